#include "tests/support/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

namespace linkd::test {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Between fork and exec: only what is safe in the child of a program with threads.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output) {
  // The caller may have blocked or ignored signals; a server must see the defaults.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int input = ::open("/dev/null", O_RDONLY);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);  // Asio's sockets would stay open in the child
  ::execvpe(arguments[0], arguments, environment);
  ::_exit(127);
}

// A "Name:   123 kB" line of /proc/PID/status.
std::size_t status_bytes(pid_t pid, std::string_view name) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(name)) return std::stoul(line.substr(name.size())) * 1024;
  }
  return 0;
}

}  // namespace

process::process(const process_settings& settings) {
  std::vector<std::string> arguments = settings.arguments;
  std::vector<std::string> environment = settings.environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);
  const int output =
      ::open(settings.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0) throw std::system_error(errno, std::generic_category(), settings.output);
  pid_ = ::fork();
  if (pid_ == 0) become(argument_pointers.data(), environment_pointers.data(), output);
  const int failure = errno;
  ::close(output);
  if (pid_ < 0) throw std::system_error(failure, std::generic_category(), "fork");
}

process::~process() {
  signal(SIGKILL);
  if (!exit_code_) reap(0);
}

void process::reap(int flags) {
  int status = 0;
  if (exit_code_ || ::waitpid(pid_, &status, flags) != pid_) return;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool process::running() {
  reap(WNOHANG);
  return !exit_code_;
}

void process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

std::optional<int> process::wait(std::chrono::milliseconds patience) {
  eventually(
      patience, [this] { return !running(); }, std::chrono::milliseconds(2));
  return exit_code_;
}

std::size_t process::resident_bytes() const {
  return status_bytes(pid_, "VmRSS:");
}

std::size_t process::resident_bytes_peak() const {
  return status_bytes(pid_, "VmHWM:");
}

finished_process run(const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment,
                     std::chrono::milliseconds patience) {
  const temp_dir directory;
  const auto output = directory.path() / "output";
  process child({arguments, environment, output});
  const auto code = child.wait(patience);
  if (!code) throw std::runtime_error(arguments.front() + " did not end in time");
  return {*code, read_file(output)};
}

}  // namespace linkd::test
