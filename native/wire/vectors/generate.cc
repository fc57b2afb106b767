// Writes the test vectors: `generate FOLDER`. Built and run by scripts/vectors.sh.

#include <cstdio>
#include <string>

#include "wire/vectors/cases.h"

namespace hawser::wire::vectors {

namespace {

// One vector a line, so that a change shows as the lines it changes.
std::string file_text(const Json& groups) {
  std::string out = "{\n";
  const char* group_separator = "";
  for (const auto& [name, list] : groups.fields) {
    out += group_separator;
    out += "  ";
    print_string(out, name);
    out += ": [\n";
    const char* separator = "";
    for (const Json& vector : list.items) {
      out += separator;
      out += "    ";
      print(out, vector);
      separator = ",\n";
    }
    out += "\n  ]";
    group_separator = ",\n";
  }
  return out + "\n}\n";
}

bool write_file(const std::string& path, const Json& groups) {
  const std::string text = file_text(groups);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    std::perror(path.c_str());
    return false;
  }
  const bool complete = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) == 0 && complete) return true;
  std::perror(path.c_str());
  return false;
}

}  // namespace

}  // namespace hawser::wire::vectors

int main(int argc, char** argv) {
  using namespace hawser::wire::vectors;
  if (argc != 2) {
    std::fprintf(stderr, "usage: generate FOLDER\n");
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  const bool done = write_file(folder + "numbers.json", number_vectors()) &&
                    write_file(folder + "packets.json", packet_vectors()) &&
                    write_file(folder + "frames.json", frame_vectors());
  return done ? 0 : 1;
}
