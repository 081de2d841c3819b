// Prefetches the memory of the next images during products, which use little bandwidth. These are hints only.
#pragma once

#include <cstdint>

namespace operations {

class Ahead {
 public:
  // Both accept null arrays.
  void read(const float* at, int64_t floats) { add(at, floats, false); }
  void write(const float* at, int64_t floats) { add(at, floats, true); }

  // Prefetches the share of that many parts of the work.
  void ask(int64_t part, int64_t parts) {
    for (int i = 0; i < count; i++)
      for (const int64_t until = spans[i].floats * part / parts; spans[i].asked < until; spans[i].asked += LINE)
        if (spans[i].written)
          __builtin_prefetch(spans[i].at + spans[i].asked, 1, SECOND_CACHE);
        else
          __builtin_prefetch(spans[i].at + spans[i].asked, 0, SECOND_CACHE);
  }

 private:
  static constexpr int64_t LINE = 64 / sizeof(float);
  static constexpr int SECOND_CACHE = 2, MOST = 5;
  struct Span {
    const float* at;
    int64_t floats, asked;
    bool written;
  };
  Span spans[MOST];
  int count = 0;

  void add(const float* at, int64_t floats, bool written) {
    if (at && floats > 0 && count < MOST) spans[count++] = {at, floats, 0, written};
  }
};

}  // namespace operations
