#include "pooling.h"

#include <limits>

#include "vector.h"

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

// What a window sees of one side of the maps: from one place to before another.
struct Seen {
  int64_t from, to, skipped;  // so many of the window's own places lie before the maps
  int64_t count() const { return to - from; }
};

Seen seen(const Side& side, int64_t number) {
  const int64_t start = number * side.stride - side.before;
  const int64_t from = std::min(std::max<int64_t>(start, 0), side.size);
  return {from, std::max(from, std::min(start + side.window, side.size)), from - start};
}

bool overlap(const Side& side) { return side.stride < side.window; }

// Whether every place is seen by one window.
bool seen_once(const Side& side) {
  return side.stride == side.window && side.out * side.stride - side.before >= side.size;
}

// A window: where the first value lies that it sees, and its own; how many rows, columns and channels it sees; and the
// number of that first value in the whole window, or 0.
struct Place {
  int64_t x, y, rows, columns, channels, first;
};

// Calls the function with every window of a row, for a piece's channels.
template <typename Use>
void across(const Pooling& shape, const Piece& piece, int64_t image, int64_t row, const Use& use) {
  const Seen rows = seen(shape.rows, row);
  const int64_t top = (image * shape.rows.size + rows.from) * shape.columns.size;
  const int64_t place = (image * shape.rows.out + row) * shape.columns.out;
  for (int64_t column = 0; column < shape.columns.out; column++) {
    const Seen columns = seen(shape.columns, column);
    const bool some = rows.count() > 0 && columns.count() > 0;
    use(Place{(top + columns.from) * shape.channels + piece.from, (place + column) * shape.channels + piece.from,
              rows.count(), columns.count(), piece.to - piece.from,
              some ? rows.skipped * shape.columns.window + columns.skipped : 0});
  }
}

// Calls the function with every window. Where `cleared` is given, zeros are written there for a piece's channels before
// windows come: row by row, so that they are still in the cache.
template <typename Use>
void windows(const Workers& workers, const Pooling& shape, float* cleared, const Use& use) {
  const Pieces pieces(shape.images, shape.places(), shape.channels);
  workers.each(pieces.count(), [&](int64_t number) {
    const Piece piece = pieces.piece(number);
    for (int64_t image = piece.image; image < piece.image + piece.images; image++) {
      int64_t place = image * shape.rows.size * shape.columns.size;
      const auto clear = [&](int64_t rows) {
        for (const int64_t end = (image * shape.rows.size + rows) * shape.columns.size; place < end; place++)
          std::fill_n(cleared + place * shape.channels + piece.from, piece.to - piece.from, 0.0f);
      };
      for (int64_t row = 0; row < shape.rows.out; row++) {
        if (cleared) clear(seen(shape.rows, row).to);
        across(shape, piece, image, row, use);
      }
      if (cleared) clear(shape.rows.size);
    }
  });
}

// Calls the function with every window, and whether gradients are added to those of other windows. Zeros come before,
// unless each place is written once.
template <typename Use>
void gradients(const Workers& workers, const Pooling& shape, float* dx, const Use& use) {
  const bool once = seen_once(shape.rows) && seen_once(shape.columns);
  if (overlap(shape.rows) || overlap(shape.columns))
    windows(workers, shape, dx, [&](const Place& place) { use(place, std::true_type{}); });
  else
    windows(workers, shape, once ? nullptr : dx, [&](const Place& place) { use(place, std::false_type{}); });
}

// Calls the function with numbers of rows and columns, which are known to the compiler where they are the usual ones.
template <typename Use>
void by_size(const Place& place, const Use& use) {
  constexpr std::integral_constant<int64_t, 2> two;
  constexpr std::integral_constant<int64_t, 3> three;
  if (place.rows == 2 && place.columns == 2)
    use(two, two);
  else if (place.rows == 3 && place.columns == 3)
    use(three, three);
  else
    use(place.rows, place.columns);
}

// Calls the function with the distance and the number of each value that a window sees, row by row.
template <typename Rows, typename Columns, typename Use>
inline void each(const Pooling& shape, const Place& place, Rows rows, Columns columns, const Use& use) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t column = 0; column < columns; column++)
      use((row * shape.columns.size + column) * shape.channels,
          static_cast<int32_t>(place.first + row * shape.columns.window + column));
}

// Writes a gradient, or adds it to what is there.
template <typename Lanes, typename Adds>
inline void put(float* at, Vector gradient, Lanes lanes, Adds adds) {
  if constexpr (adds) gradient += load(at, lanes);
  store(at, gradient, lanes);
}

// What the sum of a window is divided by.
float divisor(const Pooling& shape, bool whole, const Place& place) {
  return static_cast<float>(whole ? shape.rows.window * shape.columns.window : place.rows * place.columns);
}

}  // namespace

// NaN gives way to what follows it, as in XLA's gradient, and is the value in the end. A zero is negative where all
// values are. The comparisons treat numbers below the normal ones as XLA's threads do, which take them for zero.
void max_pool(const Workers& workers, const Pooling& shape, const float* x, float* y, uint8_t* first) {
  windows(workers, shape, nullptr, [&](const Place& place) {
    by_size(place, [&](auto rows, auto columns) {
      by_vectors(place.channels, [&](int64_t c, auto lanes) {
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
      by_vectors(place.channels, [&](int64_t c, auto lanes) {
        const Integers number = load_bytes(first + place.y + c, lanes);
        const Vector gradient = load(dy + place.y + c, lanes) + 0.0f;
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
      by_vectors(place.channels, [&](int64_t c, auto lanes) {
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
      by_vectors(place.channels, [&](int64_t c, auto lanes) {
        const Vector gradient = load(dy + place.y + c, lanes) / divisor(shape, whole, place) + 0.0f;
        each(shape, place, rows, columns,
             [&](int64_t distance, int32_t) { put(dx + place.x + c + distance, gradient, lanes, adds); });
      });
    });
  });
}

}  // namespace operations
