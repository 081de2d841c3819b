// Gradients of filters: the sum over all places of patch times gradient.
#include <utility>

#include "product.h"
#include "vector.h"

namespace operations {
namespace {

// A block of the sums stays in registers during the loop over all places.
template <int VECTORS, int DEPTH>
void block(const float* x, const float* y, const Places& places, float* sums, int64_t columns) {
  Vector found[DEPTH][VECTORS] = {};
  for (int64_t outer = 0; outer < places.outer.count; outer++)
    for (int64_t middle = 0; middle < places.middle.count; middle++) {
      const float* x_at = x + outer * places.outer.x + middle * places.middle.x;
      const float* y_at = y + outer * places.outer.y + middle * places.middle.y;
      for (int64_t inner = 0; inner < places.inner.count; inner++, x_at += places.inner.x, y_at += places.inner.y) {
        Vector gradient[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) gradient[v] = load(y_at + v * WIDTH);
#pragma GCC unroll 24
        for (int k = 0; k < DEPTH; k++)
#pragma GCC unroll 2
          for (int v = 0; v < VECTORS; v++) found[k][v] += x_at[k] * gradient[v];
      }
    }
#pragma GCC unroll 24
  for (int k = 0; k < DEPTH; k++)
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      float* sum = sums + k * columns + v * WIDTH;
      store(sum, load(sum) + found[k][v]);
    }
}

using Block = void (*)(const float*, const float*, const Places&, float*, int64_t);

template <int VECTORS, int... DEPTH>
const Block* blocks(std::integer_sequence<int, DEPTH...>) {
  static const Block table[] = {block<VECTORS, DEPTH + 1>...};
  return table;
}

constexpr int64_t MOST_OF_TWO = REGISTERS == 32 ? 12 : 6, MOST_OF_ONE = REGISTERS == 32 ? 24 : 12;

// All blocks of the sums, over places that are few enough to stay in the cache.
void all_blocks(const float* x, const Places& places, const std::vector<Run>& runs, const float* y, int64_t columns,
                float* sums) {
  static const Block* one = blocks<1>(std::make_integer_sequence<int, MOST_OF_ONE>());
  static const Block* two = blocks<2>(std::make_integer_sequence<int, MOST_OF_TWO>());
  for (int64_t first = 0; first < columns; first += 2 * WIDTH) {
    const bool pair = columns - first > WIDTH;
    const int64_t most = pair ? MOST_OF_TWO : MOST_OF_ONE;
    float* rows = sums + first;
    for (const Run& run : runs) {
      const int64_t parts = (run.length + most - 1) / most;
      for (int64_t part = 0; part < parts; part++) {
        const int64_t from = run.length * part / parts, to = run.length * (part + 1) / parts;
        (pair ? two : one)[to - from - 1](x + run.start + from, y + first, places, rows + from * columns, columns);
      }
      rows += run.length * columns;
    }
  }
}

constexpr int64_t CACHE = 40960 / sizeof(float), FEWEST_PLACES = 64;

}  // namespace

void outer_product(const float* x, const Places& places, const std::vector<Run>& runs, const float* y, int64_t columns,
                   float* sums) {
  // Bands of rows that fit the first cache, but no fewer places than make up for reading and writing the sums; or
  // several images.
  const Axis &images = places.outer, &rows = places.middle;
  const int64_t row = rows.x + rows.y;
  const int64_t enough = (FEWEST_PLACES + places.inner.count - 1) / places.inner.count;
  const int64_t at_once = std::max(CACHE / row, enough);
  const int64_t bands = (rows.count + at_once - 1) / at_once;
  const int64_t images_at_once = std::max<int64_t>(1, at_once / rows.count);
  for (int64_t first = 0; first < images.count; first += images_at_once)
    for (int64_t band = 0; band < bands; band++) {
      const int64_t from = rows.count * band / bands, to = rows.count * (band + 1) / bands;
      const Places part{{std::min(images_at_once, images.count - first), images.x, images.y},
                        {to - from, rows.x, rows.y},
                        places.inner};
      all_blocks(x + first * images.x + from * rows.x, part, runs, y + first * images.y + from * rows.y, columns, sums);
    }
}

}  // namespace operations
