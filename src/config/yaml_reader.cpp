#include "config/yaml_reader.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "config/values.hpp"

// The only place that knows yaml-cpp. Its events are taken instead of its node graph: they carry
// both keys of a duplicate, name aliases without following them, and let us stop early.
namespace linkd::config {
namespace {

constexpr std::size_t depth_max = 16;
constexpr std::size_t nodes_max = 100'000;
constexpr std::size_t keys_max = 1000;  // in one map

position place(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

class tree_builder : public YAML::EventHandler {
 public:
  explicit tree_builder(report& out) : out_(out) {}

  node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw YAML::ParserException(mark, "a file holds one document only");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(leaf(mark)); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    out_.error(place(mark), "", "aliases (*name) are not supported");
    add(leaf(mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    check_tag(mark, tag);
    node scalar = leaf(mark);
    scalar.type = node::kind::scalar;
    scalar.text = value;
    add(std::move(scalar));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, node::kind::list);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, node::kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or map whose end has not come yet.
  struct open_node {
    node value;
    bool has_key = false;  // map: the next node is the value of `key`
    bool dropped = false;  // map: that value is read and forgotten
    std::string key;
    position key_at;
  };

  node leaf(const YAML::Mark& mark) {
    if (++nodes_ > nodes_max) throw YAML::ParserException(mark, "too many values for one file");
    node fresh;
    fresh.at = place(mark);
    return fresh;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;  // none, plain, quoted
    out_.error(place(mark), "", "tags (" + in_quotes(tag) + ") are not supported");
  }

  void open(const YAML::Mark& mark, const std::string& tag, node::kind type) {
    if (stack_.size() == depth_max) throw YAML::ParserException(mark, "nested too deeply");
    check_tag(mark, tag);
    open_node fresh;
    fresh.value = leaf(mark);
    fresh.value.type = type;
    stack_.push_back(std::move(fresh));
  }

  void close() {
    node done = std::move(stack_.back().value);
    stack_.pop_back();
    add(std::move(done));
  }

  void add(node child) {
    if (stack_.empty()) {
      root_ = std::move(child);
      return;
    }
    open_node& parent = stack_.back();
    if (parent.value.type == node::kind::list) {
      parent.value.items.push_back(std::move(child));
    } else if (!parent.has_key) {
      set_key(parent, std::move(child));
    } else {
      parent.has_key = false;
      // yaml-cpp places an empty value where the next token begins.
      if (child.type == node::kind::null) child.at = parent.key_at;
      if (parent.dropped) return;
      parent.value.entries.push_back({std::move(parent.key), parent.key_at, std::move(child)});
    }
  }

  void set_key(open_node& parent, node key) {
    auto& entries = parent.value.entries;
    parent.has_key = true;
    parent.dropped = true;
    parent.key_at = key.at;
    if (key.type != node::kind::scalar) {
      out_.error(key.at, "", "a key must be a word");
      return;
    }
    const auto earlier =
        std::ranges::find_if(entries, [&](const entry& other) { return other.key == key.text; });
    if (earlier != entries.end()) {
      out_.error(
          key.at, "",
          in_quotes(key.text) + " is there already, in line " + std::to_string(earlier->at.line));
      return;
    }
    if (entries.size() == keys_max) {
      throw YAML::ParserException({}, "more than " + std::to_string(keys_max) + " keys in a map");
    }
    parent.dropped = false;
    parent.key = std::move(key.text);
  }

  report& out_;
  node root_;
  std::vector<open_node> stack_;
  std::size_t documents_ = 0, nodes_ = 0;
};

// Line and column of a byte.
position locate(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line_start = before.rfind('\n') + 1;  // npos + 1 == 0
  return {static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(offset - line_start) + 1};
}

}  // namespace

std::optional<node> read_yaml(const std::string& text, report& out) {
  const auto valid = valid_text_bytes(text);
  if (valid < text.size()) {
    out.error(locate(text, valid), "", "not UTF-8 text");
    return std::nullopt;
  }
  tree_builder builder(out);
  try {
    // yaml-cpp takes a line end at the end of the file for the missing quotation mark.
    std::istringstream stream(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& failure) {
    const bool list_open = failure.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
    out.error(place(failure.mark), "",
              "not YAML: " + failure.msg +
                  (list_open ? "; a filter that begins with # needs quotes: [\"#\"]" : ""));
    return std::nullopt;
  } catch (const std::exception& failure) {
    out.error({}, "", std::string("not YAML: ") + failure.what());
    return std::nullopt;
  }
  node root = builder.take();
  if (root.type == node::kind::null) root.type = node::kind::map;
  if (root.type != node::kind::map) {
    out.error(root.at, "", "must be `key: value` lines");
    return std::nullopt;
  }
  return root;
}

}  // namespace linkd::config
