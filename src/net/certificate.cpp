#include "net/certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>

namespace linkd::net {
namespace {

template <class T, void (*release)(T*)>
struct releaser {
  void operator()(T* object) const { release(object); }
};
using certificate = std::unique_ptr<X509, releaser<X509, X509_free>>;
using names = std::unique_ptr<GENERAL_NAMES, releaser<GENERAL_NAMES, GENERAL_NAMES_free>>;

struct close_file {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::optional<stamp> not_after(const X509* of) {
  std::tm broken_down{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(of), &broken_down) != 1) return std::nullopt;
  return stamp(seconds(::timegm(&broken_down)));
}

// A name with a zero byte in it is not the name it seems to be.
void add_name(std::vector<std::string>& to, const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0) return;
  std::string name(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  if (name.find('\0') == std::string::npos) to.push_back(std::move(name));
}

}  // namespace

result<stamp> first_expiry(const std::string& pem_file) {
  const std::unique_ptr<std::FILE, close_file> file(std::fopen(pem_file.c_str(), "re"));
  if (!file) return error{errc::io, "cannot read " + pem_file};
  std::optional<stamp> first;
  while (certificate each{PEM_read_X509(file.get(), nullptr, nullptr, nullptr)}) {
    const auto end = not_after(each.get());
    if (end) first = first ? std::min(*first, *end) : *end;
  }
  ERR_clear_error();
  if (!first) return error{errc::invalid, "no certificate in " + pem_file};
  return *first;
}

std::vector<std::string> peer_certificate_names(const SSL* connection) {
  std::vector<std::string> found;
  const certificate theirs(SSL_get1_peer_certificate(connection));
  if (!theirs || SSL_get_verify_result(connection) != X509_V_OK) return found;
  const X509_NAME* subject = X509_get_subject_name(theirs.get());
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    add_name(found, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  }
  const names alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(theirs.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* each = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (each->type == GEN_DNS) add_name(found, each->d.dNSName);
  }
  return found;
}

}  // namespace linkd::net
