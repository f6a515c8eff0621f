// SPDX-License-Identifier: BSL-1.0
//
// What it is: gives a fuzzer's target the inputs that are kept in a directory, each once: what was
// found stays found, with any compiler.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    int inputs = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& one : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream file(one.path(), std::ios::binary);
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            std::printf("%s\n", one.path().filename().c_str());
            std::fflush(stdout);  // If it crashes, the last name is the culprit's.
            LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
            ++inputs;
        }
    }
    if (inputs != 0) return 0;
    std::fputs("no inputs\n", stderr);
    return 1;
}
