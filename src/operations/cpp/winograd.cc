#include "winograd.h"

#include <algorithm>

#include "vector.h"
#include "work.h"

namespace operations {
namespace {

// Values that a tile sees and results that it has, in one direction.
constexpr int SEEN = 4, RESULTS = 2;

// So many tiles at a time: their values at all points stay in the cache.
constexpr int64_t ENOUGH_TILES = 64;

// So many terms of a sum at a time: shorter sums make up for what results lose by adding and subtracting the points'.
constexpr int64_t LONGEST_AT_POINTS = 96;

// Rows of tiles, of all images one after the other, and memory for their values at the points.
struct Rows {
  int64_t rows, columns, at_once;

  explicit Rows(const Results& results)
      : rows((results.rows + 1) / RESULTS),
        columns((results.columns + 1) / RESULTS),
        at_once(std::max<int64_t>(1, ENOUGH_TILES / columns)) {}

  template <typename Number>
  Number* of(const Maps<Number>& maps, int64_t number) const {
    return maps.at + number / rows * maps.image + number % rows * RESULTS * maps.row;
  }
  // Values of one point; a line more, since points at the same place of the cache would drive each other out.
  int64_t point(int64_t channels) const { return at_once * columns * rounded_up(channels, WIDTH) + 64 / sizeof(float); }
};

// Two columns of values, added up from above to below.
inline void down(const float* x, const Maps<const float>& maps, Vector (*found)[2]) {
#pragma GCC unroll 2
  for (int j = 0; j < 2; j++, x += maps.place) {
    const Vector first = load(x), second = load(x + maps.row), third = load(x + 2 * maps.row);
    found[0][j] = first - third;
    found[1][j] = second + third;
    found[2][j] = third - second;
    found[3][j] = load(x + 3 * maps.row) - second;
  }
}

// One row of tiles' values at the points. A tile's last two columns are the first two of the next.
void values_at_points(const float* x, const Maps<const float>& maps, int64_t tiles, int64_t channels, float* to,
                      int64_t point) {
  const int64_t width = rounded_up(channels, WIDTH);
  for (int64_t c = 0; c < width; c += WIDTH) {
    Vector left[SEEN][2], right[SEEN][2];
    down(x + c, maps, left);
    for (int64_t tile = 0; tile < tiles; tile++) {
      down(x + c + (tile + 1) * RESULTS * maps.place, maps, right);
      float* at = to + tile * width + c;
#pragma GCC unroll 4
      for (int i = 0; i < SEEN; i++, at += SEEN * point) {
        store(at, left[i][0] - right[i][0]);
        store(at + point, left[i][1] + right[i][0]);
        store(at + 2 * point, right[i][0] - left[i][1]);
        store(at + 3 * point, right[i][1] - left[i][1]);
        left[i][0] = right[i][0];
        left[i][1] = right[i][1];
      }
    }
  }
}

// One row of tiles' gradients at the points.
void gradients_at_points(const float* y, const Maps<const float>& maps, int64_t tiles, int64_t columns, float* to,
                         int64_t point) {
  for (int64_t tile = 0; tile < tiles; tile++, y += RESULTS * maps.place, to += columns)
    for (int64_t c = 0; c < columns; c += WIDTH) {
      Vector beside[SEEN][RESULTS];
#pragma GCC unroll 2
      for (int j = 0; j < RESULTS; j++) {
        beside[0][j] = load(y + j * maps.place + c);
        beside[3][j] = load(y + maps.row + j * maps.place + c);
        beside[1][j] = beside[0][j] + beside[3][j];
        beside[2][j] = beside[0][j] - beside[3][j];
      }
      float* at = to + c;
#pragma GCC unroll 4
      for (int i = 0; i < SEEN; i++, at += SEEN * point) {
        store(at, beside[i][0]);
        store(at + point, beside[i][0] + beside[i][1]);
        store(at + 2 * point, beside[i][0] - beside[i][1]);
        store(at + 3 * point, beside[i][1]);
      }
    }
}

// The 2x2 results of a tile.
inline void results_of_points(const float* from, int64_t point, Vector (*found)[RESULTS]) {
  Vector above[SEEN], below[SEEN];
#pragma GCC unroll 4
  for (int j = 0; j < SEEN; j++, from += point) {
    const Vector second = load(from + SEEN * point), third = load(from + 2 * SEEN * point);
    above[j] = load(from) + second + third;
    below[j] = second - third + load(from + 3 * SEEN * point);
  }
  found[0][0] = above[0] + above[1] + above[2];
  found[0][1] = above[1] - above[2] + above[3];
  found[1][0] = below[0] + below[1] + below[2];
  found[1][1] = below[1] - below[2] + below[3];
}

// Writes one row of tiles' results, as many of their rows and columns as there are. Returns zeros, and NaN where a sum
// was not finite.
Vector write_results(const float* sums, int64_t point, int64_t filters, int64_t rows, int64_t columns, float* y,
                     const Maps<float>& maps, const Finish& finish) {
  Vector zeros = {};
  by_vectors(filters, [&](int64_t c, auto lanes) {
    const Vector bias = finish.bias ? load(finish.bias + c, lanes) : Vector{};
    const float *addend = finish.addend, *from = sums + c;
    const bool with_relu = finish.relu;
    for (int64_t column = 0; column < columns; column += RESULTS, from += rounded_up(filters, WIDTH)) {
      Vector found[RESULTS][RESULTS];
      results_of_points(from, point, found);
#pragma GCC unroll 2
      for (int i = 0; i < RESULTS; i++)
#pragma GCC unroll 2
        for (int j = 0; j < RESULTS; j++) {
          if (i >= rows || column + j >= columns) continue;
          const int64_t at = i * maps.row + (column + j) * maps.place + c;
          zeros += found[i][j] * 0;
          Vector value = found[i][j] + bias;
          if (addend) value += load(addend + at, lanes);
          store(y + at, with_relu ? relu(value, finish.ceiling) : value, lanes);
        }
    }
  });
  return zeros;
}

inline bool finite(Vector zeros) {
  float sum = 0;
  for (int64_t lane = 0; lane < WIDTH; lane++) sum += zeros[lane];
  return sum == 0;
}

}  // namespace

bool convolve(const Maps<const float>& x, const PointFilters& points, int64_t first, int64_t filters,
              const Results& results, const Maps<float>& y, const Finish& finish, Ahead ahead) {
  const Rows rows(results);
  const int64_t channels = points.rows(), width = rounded_up(filters, WIDTH), end = results.images * rows.rows;
  const int64_t seen = rows.point(channels), summed = rows.point(filters);
  float *values = scratch(VALUES, POINTS * seen), *sums = scratch(SUMS, POINTS * summed);
  const Parts parts = cut({{0, channels}}, LONGEST_AT_POINTS);
  Vector zeros = {};
  for (int64_t from = 0; from < end; from += rows.at_once) {
    const int64_t count = std::min(rows.at_once, end - from), tiles = count * rows.columns;
    for (int64_t r = 0; r < count; r++)
      values_at_points(rows.of(x, from + r), x, rows.columns, channels,
                       values + r * rows.columns * rounded_up(channels, WIDTH), seen);
    for (int64_t point = 0; point < POINTS; point++) {
      ahead.ask(from * POINTS + (point + 1) * count, end * POINTS);
      product(values + point * seen, {{1, 0, 0}, {1, 0, 0}, {tiles, rounded_up(channels, WIDTH), width}}, parts,
              points.panel(point, first), width, sums + point * summed, {});
    }
    for (int64_t r = 0; r < count; r++) {
      const int64_t left = results.rows - (from + r) % rows.rows * RESULTS;
      float* to = rows.of(y, from + r);
      Finish own = finish;
      if (finish.addend) own.addend += to - y.at;
      zeros += write_results(sums + r * rows.columns * width, summed, filters, left, results.columns, to, y, own);
    }
  }
  return finite(zeros);
}

void correlate(const Maps<const float>& x, int64_t channels, const Maps<const float>& y, int64_t columns,
               const Results& results, float* sums, Ahead ahead) {
  const Rows rows(results);
  const int64_t width = rounded_up(channels, WIDTH), end = results.images * rows.rows;
  const int64_t seen = rows.point(channels), given = rows.point(columns);
  float *values = scratch(VALUES, POINTS * seen), *gradients = scratch(SUMS, POINTS * given);
  for (int64_t from = 0; from < end; from += rows.at_once) {
    const int64_t count = std::min(rows.at_once, end - from), tiles = count * rows.columns;
    for (int64_t r = 0; r < count; r++) {
      const int64_t tile = r * rows.columns;
      values_at_points(rows.of(x, from + r), x, rows.columns, channels, values + tile * width, seen);
      gradients_at_points(rows.of(y, from + r), y, rows.columns, columns, gradients + tile * columns, given);
    }
    for (int64_t point = 0; point < POINTS; point++) {
      ahead.ask(from * POINTS + (point + 1) * count, end * POINTS);
      outer_product(values + point * seen, {{1, 0, 0}, {1, seen, given}, {tiles, width, columns}}, {{0, channels}},
                    gradients + point * given, columns, sums + point * channels * columns);
    }
  }
}

}  // namespace operations
