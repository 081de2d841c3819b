#include "prepare.h"

#include <algorithm>

#include "vector.h"
#include "winograd.h"

namespace operations {
namespace {

void row_of_images(const float* from, int64_t columns, int64_t channels, const Prologue& prologue, float* to) {
  if (!prologue.scale) {
    std::copy_n(from, columns * channels, to);
    return;
  }
  for (int64_t column = 0; column < columns; column++, from += channels, to += channels)
    for (int64_t c = 0; c < channels; c += WIDTH) {
      const int64_t lanes = std::min(WIDTH, channels - c);
      const Vector scale = load(prologue.scale + c, lanes), shift = load(prologue.shift + c, lanes);
      store(to + c, relu(load(from + c, lanes) * scale + shift), lanes);
    }
}

// The gradient of some filters at one place.
void place(const After& after, int64_t at, int64_t first, int64_t count, float* to) {
  for (int64_t c = 0; c < count; c += WIDTH) {
    const int64_t lanes = std::min(WIDTH, count - c), filter = first + c, from = at + filter;
    Vector value = load(after.dy + from, lanes);
    if (after.mask_scale) {
      const Vector before = load(after.z + from, lanes) * load(after.mask_scale + filter, lanes) +
                            load(after.mask_shift + filter, lanes);
      value = before > 0 ? value : Vector{};
    } else if (after.y) {
      value = load(after.y + from, lanes) > 0 ? value : Vector{};
    }
    if (after.masked) store(after.masked + from, value, lanes);
    if (after.by_gradient)
      value = load(after.by_gradient + filter, lanes) * value +
              load(after.by_value + filter, lanes) * load(after.z + from, lanes) + load(after.constant + filter, lanes);
    store(to + c, value);
  }
}

}  // namespace

const float* prepared(const float* x, const Convolution& shape, int64_t images, const Prologue& prologue, float* to) {
  if (!shape.is_padded() && !prologue.scale) return x;
  const int64_t row = shape.padded_row(), left = shape.columns.before * shape.channels,
                inside = shape.columns.size * shape.channels, right = row - left - inside;
  float* at = to;
  for (int64_t image = 0; image < images; image++) {
    at = std::fill_n(at, shape.rows.before * row, 0.0f);
    for (int64_t h = 0; h < shape.rows.size; h++) {
      at = std::fill_n(at, left, 0.0f);
      row_of_images(x + image * shape.input() + h * inside, shape.columns.size, shape.channels, prologue, at);
      at = std::fill_n(at + inside, right, 0.0f);
    }
    at = std::fill_n(at, shape.rows.after() * row, 0.0f);
  }
  return to;
}

After After::at(int64_t values) const {
  After moved = *this;
  moved.dy += values;
  if (y) moved.y += values;
  if (z) moved.z += values;
  if (masked) moved.masked += values;
  return moved;
}

GradientLayout::GradientLayout(const Convolution& shape, Margin rows, Margin columns, int64_t filters)
    : rows(rows),
      columns(columns),
      filters(rounded_up(filters, WIDTH)),
      row((columns.before + shape.columns.out + columns.after) * this->filters),
      image((rows.before + shape.rows.out + rows.after) * row) {}

GradientLayout gradient_layout(const Convolution& shape, bool to_input, int64_t filters) {
  const auto along = [&](const Side& side) {
    Margin found = to_input ? margin(side, phases(side)) : Margin{0, 0};
    // Tiles reach one further where they do not cover maps exactly.
    if (has_points(shape)) found.after += side.size % 2 || side.out % 2;
    return found;
  };
  return {shape, along(shape.rows), along(shape.columns), filters};
}

void prepare(const After& after, const Convolution& shape, int64_t images, int64_t first, int64_t count,
             const GradientLayout& layout, float* to) {
  const int64_t left = layout.columns.before * layout.filters, right = layout.columns.after * layout.filters;
  int64_t at = 0;
  for (int64_t image = 0; image < images; image++) {
    to = std::fill_n(to, layout.rows.before * layout.row, 0.0f);
    for (int64_t row = 0; row < shape.rows.out; row++) {
      to = std::fill_n(to, left, 0.0f);
      for (int64_t column = 0; column < shape.columns.out; column++, at += shape.filters, to += layout.filters)
        place(after, at, first, count, to);
      to = std::fill_n(to, right, 0.0f);
    }
    to = std::fill_n(to, layout.rows.after * layout.row, 0.0f);
  }
}

}  // namespace operations
