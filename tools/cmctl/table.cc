#include "tools/cmctl/table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace rmq::cmctl {
namespace {

// How many columns UTF-8 text takes, as far as one character is one column.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Whether the character U+2000 to U+207F that ends in these two bytes of UTF-8
// breaks a line, or changes the direction of the text that follows.
bool RearrangesText(unsigned char second, unsigned char third) {
  if (second == 0x81) return third >= 0xA6 && third <= 0xA9;    // U+2066-2069
  return second == 0x80 && (third == 0x8E || third == 0x8F ||   // U+200E, 200F
                            (third >= 0xA8 && third <= 0xAE));  // U+2028-202E
}

}  // namespace

std::string EscapeControls(absl::string_view text) {
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = text[i];
    const unsigned char next = i + 1 < text.size() ? text[i + 1] : 0;
    const unsigned char third = i + 2 < text.size() ? text[i + 2] : 0;
    if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppend(&escaped, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080-U+009F
      absl::StrAppend(&escaped, "\\x", absl::Hex(next));
      ++i;
    } else if (byte == 0xE2 && RearrangesText(next, third)) {
      const unsigned code = 0x2000 | (next & 0x3F) << 6 | (third & 0x3F);
      absl::StrAppend(&escaped, "\\u", absl::Hex(code));
      i += 2;
    } else {
      escaped.push_back(text[i]);
    }
  }
  return escaped;
}

std::string Ago(absl::Time time, absl::Time now) {
  const int64_t seconds =
      std::max<int64_t>(0, absl::ToInt64Seconds(now - time));
  if (seconds < 60) return absl::StrCat(seconds, "s ago");
  const int64_t minutes = seconds / 60;
  if (minutes < 60) return absl::StrCat(minutes, "m ", seconds % 60, "s ago");
  const int64_t hours = minutes / 60;
  if (hours < 24) return absl::StrCat(hours, "h ", minutes % 60, "m ago");
  return absl::StrCat(hours / 24, "d ", hours % 24, "h ago");
}

std::string AlignColumns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i) {
      text += row[i];
      if (i + 1 < widths.size()) {
        text.append(widths[i] - Width(row[i]) + 2, ' ');
      }
    }
    text += '\n';
  }
  return text;
}

}  // namespace rmq::cmctl
