// The shape of a convolution. Maps are [image, row, column, channel], filters [row, column, channel, filter], depthwise
// filters [row, column, 1, channel].
#pragma once

#include <algorithm>
#include <cstdint>

#include "vector.h"

namespace operations {

// One side of the maps: its size before and after, and how the window moves along it.
struct Side {
  int64_t size, out, window, stride, before, dilation;

  int64_t seen() const { return (window - 1) * dilation + 1; }
  // Zeros behind the end that a window reaches.
  int64_t after() const { return std::max<int64_t>(0, (out - 1) * stride + seen() - size - before); }
  int64_t padded() const { return before + size + after(); }
};

struct Convolution {
  int64_t images, channels, filters;
  Side rows, columns;
  bool depthwise = false;  // each channel has one filter of its own

  int64_t input() const { return rows.size * columns.size * channels; }
  int64_t places() const { return rows.out * columns.out; }
  int64_t output() const { return places() * filters; }
  int64_t padded_row() const { return columns.padded() * channels; }
  int64_t padded_image() const { return rows.padded() * padded_row(); }
  bool is_padded() const { return rows.padded() > rows.size || columns.padded() > columns.size; }
  // Values that one place sees, which is the number of rows of the filters as a matrix.
  int64_t depth() const { return rows.window * columns.window * (depthwise ? 1 : channels); }
};

// Some images, and the columns of filters from one to before another.
struct Piece {
  int64_t image, images, from, to;
};

// Divides work into numbered pieces: by images, and by panels of columns if there are few images. The division does not
// depend on the number of threads.
struct Pieces {
  int64_t images, columns, together, groups, panels, splits;

  Pieces(int64_t images, int64_t places, int64_t columns) : images(images), columns(columns) {
    together = std::min(images, std::max<int64_t>(1, ENOUGH_PLACES / places));
    groups = (images + together - 1) / together;
    panels = (columns + PANEL - 1) / PANEL;
    splits = std::min(panels, std::max<int64_t>(1, ENOUGH_PIECES / groups));
  }
  int64_t count() const { return groups * splits; }

  Piece piece(int64_t number) const {
    const int64_t image = number / splits * together, split = number % splits;
    return {image, std::min(together, images - image), panels * split / splits * PANEL,
            std::min(columns, panels * (split + 1) / splits * PANEL)};
  }

  static constexpr int64_t ENOUGH_PLACES = 128, ENOUGH_PIECES = 16, PANEL = 2 * WIDTH;
};

}  // namespace operations
