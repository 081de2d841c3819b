#include "pooling.h"

#include <limits>

#include "vector.h"
#include "windows.h"

namespace operations {
namespace {

typedef int32_t Integers __attribute__((vector_size(4 * WIDTH)));
typedef uint8_t Bytes __attribute__((vector_size(WIDTH)));

inline Integers load_bytes(const uint8_t* from, int64_t lanes) {
  Bytes values = {};
  std::memcpy(&values, from, lanes);
  return __builtin_convertvector(values, Integers);
}

inline void store_bytes(uint8_t* to, Integers values, int64_t lanes) {
  const Bytes bytes = __builtin_convertvector(values, Bytes);
  std::memcpy(to, &bytes, lanes);
}

// Without the lanes that the vector before this one has, if the channels do not fill it (`by_whole_vectors`).
inline Vector fresh(Vector values, int64_t channel) {
  Integers lanes;
  for (int32_t lane = 0; lane < WIDTH; lane++) lanes[lane] = lane;
  const auto had = static_cast<int32_t>((WIDTH - channel % WIDTH) % WIDTH);
  return lanes < had ? Vector{} : values;
}

// Writes a gradient, or adds it to what is there.
template <typename Lanes, typename Adds>
inline void put(float* at, Vector gradient, Lanes lanes, Adds adds) {
  if constexpr (adds) gradient += load(at, lanes);
  store(at, gradient, lanes);
}

// The divisor of the sum of a window.
float divisor(const Pooling& shape, bool whole, const Place& place) {
  return static_cast<float>(whole ? shape.rows.window * shape.columns.window : place.rows * place.columns);
}

}  // namespace

// After NaN any later value is taken, as in XLA's gradient, but the result is NaN. A zero result is negative only if
// all zeros are. The comparisons flush denormal numbers to zero, like XLA's threads.
void max_pool(const Workers& workers, const Pooling& shape, const float* x, float* y, uint8_t* first) {
  windows(workers, shape, nullptr, [&](const Place& place) {
    by_size(place, [&](auto rows, auto columns) {
      by_whole_vectors(shape.channels, [&](int64_t c, auto lanes) {
        Vector largest = Vector{} - std::numeric_limits<float>::infinity();
        Integers number = Integers{} + static_cast<int32_t>(place.first), signs = ~Integers{}, unordered = {};
        each(shape, place, rows, columns, [&](int64_t distance, int32_t own) {
          const Vector value = load(x + place.x + c + distance, lanes);
          const Integers larger = ~(largest >= value);
          largest = larger ? value : largest;
          number = larger ? Integers{} + own : number;
          signs &= Integers(value);
          unordered |= value != value;
        });
        largest = largest == 0 ? Vector(signs & INT32_MIN) : largest;
        store(y + place.y + c, unordered ? Vector{} + NAN : largest, lanes);
        store_bytes(first + place.y + c, number, lanes);
      });
    });
  });
}

// Adding zero makes what is written once the same as what is added up: there is no negative zero.
void max_pool_back(const Workers& workers, const Pooling& shape, const uint8_t* first, const float* dy, float* dx) {
  gradients(workers, shape, dx, [&](const Place& place, auto adds) {
    by_size(place, [&](auto rows, auto columns) {
      by_whole_vectors(shape.channels, [&](int64_t c, auto lanes) {
        const Integers number = load_bytes(first + place.y + c, lanes);
        Vector gradient = load(dy + place.y + c, lanes) + 0.0f;
        if constexpr (adds) gradient = fresh(gradient, c);
        each(shape, place, rows, columns, [&](int64_t distance, int32_t own) {
          put(dx + place.x + c + distance, number == own ? gradient : Vector{}, lanes, adds);
        });
      });
    });
  });
}

void average_pool(const Workers& workers, const Pooling& shape, bool whole, const float* x, float* y) {
  windows(workers, shape, nullptr, [&](const Place& place) {
    by_size(place, [&](auto rows, auto columns) {
      by_whole_vectors(shape.channels, [&](int64_t c, auto lanes) {
        Vector sum = {};
        each(shape, place, rows, columns,
             [&](int64_t distance, int32_t) { sum += load(x + place.x + c + distance, lanes); });
        store(y + place.y + c, sum / divisor(shape, whole, place), lanes);
      });
    });
  });
}

void average_pool_back(const Workers& workers, const Pooling& shape, bool whole, const float* dy, float* dx) {
  gradients(workers, shape, dx, [&](const Place& place, auto adds) {
    by_size(place, [&](auto rows, auto columns) {
      by_whole_vectors(shape.channels, [&](int64_t c, auto lanes) {
        Vector gradient = load(dy + place.y + c, lanes) / divisor(shape, whole, place) + 0.0f;
        if constexpr (adds) gradient = fresh(gradient, c);
        each(shape, place, rows, columns,
             [&](int64_t distance, int32_t) { put(dx + place.x + c + distance, gradient, lanes, adds); });
      });
    });
  });
}

}  // namespace operations
