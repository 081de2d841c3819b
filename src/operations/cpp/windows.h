// The windows of a pooling layer: their values and their order.
#pragma once

#include "pooling.h"
#include "vector.h"

namespace operations {

// What a window sees of one side of the maps: from one place to before another.
struct Seen {
  int64_t from, to, skipped;  // so many of the window's own places lie before the maps
  int64_t count() const { return to - from; }
};

inline Seen seen(const Side& side, int64_t number) {
  const int64_t start = number * side.stride - side.before;
  const int64_t from = std::min(std::max<int64_t>(start, 0), side.size);
  return {from, std::max(from, std::min(start + side.window, side.size)), from - start};
}

inline bool overlap(const Side& side) { return side.stride < side.window; }

// Whether every place is seen by one window.
inline bool seen_once(const Side& side) {
  return side.stride == side.window && side.out * side.stride - side.before >= side.size;
}

// A window: where the first value lies that it sees, and its own; how many rows and columns it sees; and the number of
// that first value in the whole window, or 0.
struct Place {
  int64_t x, y, rows, columns, first;
};

// Calls the function with every window of a row.
template <typename Use>
void across(const Pooling& shape, int64_t image, int64_t row, const Use& use) {
  const Seen rows = seen(shape.rows, row);
  const int64_t top = (image * shape.rows.size + rows.from) * shape.columns.size;
  const int64_t place = (image * shape.rows.out + row) * shape.columns.out;
  for (int64_t column = 0; column < shape.columns.out; column++) {
    const Seen columns = seen(shape.columns, column);
    const bool some = rows.count() > 0 && columns.count() > 0;
    use(Place{(top + columns.from) * shape.channels, (place + column) * shape.channels, rows.count(), columns.count(),
              some ? rows.skipped * shape.columns.window + columns.skipped : 0});
  }
}

// Calls the function with every window, image by image. Where `cleared` is given, zeros are written there before
// windows come: row by row, so that they are still in the cache. (Pieces of channels would read maps in small bits,
// which takes up to twice as long.)
template <typename Use>
void windows(const Workers& workers, const Pooling& shape, float* cleared, const Use& use) {
  const Pieces pieces(shape.images, shape.places(), 1);
  workers.each(pieces.count(), [&](int64_t number) {
    const Piece piece = pieces.piece(number);
    for (int64_t image = piece.image; image < piece.image + piece.images; image++) {
      int64_t at = image * shape.input();
      const auto clear = [&](int64_t rows) {
        const int64_t end = image * shape.input() + rows * shape.columns.size * shape.channels;
        if (cleared && end > at) std::fill(cleared + at, cleared + end, 0.0f);
        at = std::max(at, end);
      };
      for (int64_t row = 0; row < shape.rows.out; row++) {
        clear(seen(shape.rows, row).to);
        across(shape, image, row, use);
      }
      clear(shape.rows.size);
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

}  // namespace operations
