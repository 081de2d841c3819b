// What convolutions at points need before and after: filters at the points, and gradients of filters from there.
#include <algorithm>

#include "vector.h"
#include "winograd.h"

namespace operations {

bool has_points(const Convolution& shape) {
  constexpr int64_t FEWEST = 8;  // channels and filters that are worth the additions
  for (const Side& side : {shape.rows, shape.columns})
    if (side.window != 3 || side.stride != 1 || side.dilation != 1 || side.out < 2 || side.size < 2) return false;
  // Whole vectors are read, which is no harm in a copy with zeros around.
  return !shape.depthwise && shape.channels >= FEWEST && shape.filters >= FEWEST &&
         (shape.is_padded() || shape.channels % WIDTH == 0);
}

Convolution seen_by_products(const Convolution& shape) {
  Convolution seen = shape;
  if (has_points(shape))
    for (Side* side : {&seen.rows, &seen.columns}) side->out = rounded_up(side->out, 2);
  return seen;
}

PointFilters::PointFilters(const Workers& workers, const Packed& packed, int64_t rows, int64_t columns)
    : depth(rows), size(rows * rounded_up(columns, WIDTH)), values(POINTS * size) {
  workers.each((columns + 2 * WIDTH - 1) / (2 * WIDTH), [&](int64_t panel) {
    const int64_t first = panel * 2 * WIDTH, width = std::min(2 * WIDTH, rounded_up(columns, WIDTH) - first);
    for (int64_t at = 0; at < rows * width; at += WIDTH) {
      Vector down[4][3];
      for (int64_t j = 0; j < 3; j++) {
        Vector window[3];
        for (int64_t i = 0; i < 3; i++) window[i] = load(packed.panel(first) + (3 * i + j) * rows * width + at);
        const Vector ends = (window[0] + window[2]) * 0.5f, middle = window[1] * 0.5f;
        down[0][j] = window[0];
        down[1][j] = ends + middle;
        down[2][j] = ends - middle;
        down[3][j] = window[2];
      }
      float* to = values.data() + first * rows + at;
      for (int64_t i = 0; i < 4; i++, to += 4 * size) {
        const Vector ends = (down[i][0] + down[i][2]) * 0.5f, middle = down[i][1] * 0.5f;
        store(to, down[i][0]);
        store(to + size, ends + middle);
        store(to + 2 * size, ends - middle);
        store(to + 3 * size, down[i][2]);
      }
    }
  });
}

bool filters_of_points(const float* sums, int64_t size, float* gradient) {
  Vector zeros = {};
  for (int64_t at = 0; at < POINTS * size; at += WIDTH) zeros += load(sums + at) * 0;
  for (int64_t lane = 0; lane < WIDTH; lane++)
    if (!(zeros[lane] == 0)) return false;
  for (int64_t at = 0; at < size; at += WIDTH) {
    Vector down[3][4];
    for (int64_t j = 0; j < 4; j++) {
      const float* point = sums + j * size + at;
      const Vector second = load(point + 4 * size) * 0.5f, third = load(point + 8 * size) * 0.5f;
      down[0][j] = load(point) + (second + third);
      down[1][j] = second - third;
      down[2][j] = (second + third) + load(point + 12 * size);
    }
    for (int64_t i = 0; i < 3; i++) {
      const Vector second = down[i][1] * 0.5f, third = down[i][2] * 0.5f;
      float* to = gradient + 3 * i * size + at;
      store(to, load(to) + down[i][0] + (second + third));
      store(to + size, load(to + size) + (second - third));
      store(to + 2 * size, load(to + 2 * size) + (second + third) + down[i][3]);
    }
  }
  return true;
}

}  // namespace operations
