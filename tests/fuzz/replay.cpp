// Runs a fuzz target on the files and folders that are named: how a compiler without libFuzzer
// keeps what was found from coming back.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tests/fuzz/input.hpp"

namespace {

void replay(const std::filesystem::path& file) {
  std::ifstream source(file, std::ios::binary);
  const std::string data(std::istreambuf_iterator<char>(source), {});
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t files = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& each : std::filesystem::directory_iterator(arguments[i])) {
      replay(each.path());
      ++files;
    }
  }
  std::cout << files << " inputs\n";
  return files == 0 ? 1 : 0;
}
