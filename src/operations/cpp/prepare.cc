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
  by_vectors(channels, [&](int64_t c, auto lanes) {
    const Vector scale = load(prologue.scale + c, lanes), shift = load(prologue.shift + c, lanes);
    for (int64_t at = c; at < columns * channels; at += channels)
      store(to + at, relu(load(from + at, lanes) * scale + shift), lanes);
  });
}

// The gradients of some filters in one row; `at` is the row's place in the maps, `step` the distance of places in `to`,
// which takes whole vectors or just so many values.
void row_of_gradients(const After& after, int64_t at, int64_t columns, int64_t filters, int64_t first, int64_t count,
                      float* to, int64_t step, bool whole) {
  by_vectors(count, [&](int64_t c, auto lanes) {
    const auto by_filter = [&](const float* values) { return values ? load(values + first + c, lanes) : Vector{}; };
    const Vector mask_scale = by_filter(after.mask_scale), mask_shift = by_filter(after.mask_shift);
    const Vector by_gradient = by_filter(after.by_gradient), by_value = by_filter(after.by_value);
    const Vector constant = by_filter(after.constant);
    for (int64_t column = 0; column < columns; column++) {
      const int64_t from = at + column * filters + first + c;
      Vector value = load(after.dy + from, lanes);
      if (after.mask_scale)
        value = load(after.z + from, lanes) * mask_scale + mask_shift > 0 ? value : Vector{};
      else if (after.y)
        value = passed(value, load(after.y + from, lanes), after.ceiling);
      if (after.masked) store(after.masked + from, value, lanes);
      if (after.by_gradient) value = by_gradient * value + by_value * load(after.z + from, lanes) + constant;
      store(to + column * step + c, value, whole ? WIDTH : int64_t(lanes));
    }
  });
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

std::vector<InputPhase> input_phases(const Convolution& shape, const GradientLayout& layout) {
  std::vector<InputPhase> all;
  for (const Phase& row : phases(shape.rows))
    for (const Phase& column : phases(shape.columns)) {
      InputPhase both{row, column, {}};
      for (const auto& [down, tap_row] : row.distance)
        for (const auto& [right, tap_column] : column.distance)
          both.taps.push_back(
              {down * layout.row + right * layout.filters, tap_row * shape.columns.window + tap_column});
      all.push_back(both);
    }
  return all;
}

void prepare(const After& after, const Convolution& shape, int64_t images, int64_t first, int64_t count,
             const GradientLayout& layout, float* to) {
  const int64_t left = layout.columns.before * layout.filters, right = layout.columns.after * layout.filters;
  int64_t at = 0;
  for (int64_t image = 0; image < images; image++) {
    to = std::fill_n(to, layout.rows.before * layout.row, 0.0f);
    for (int64_t row = 0; row < shape.rows.out; row++) {
      to = std::fill_n(to, left, 0.0f);
      row_of_gradients(after, at, shape.columns.out, shape.filters, first, count, to, layout.filters, true);
      at += shape.columns.out * shape.filters;
      to = std::fill_n(to + shape.columns.out * layout.filters, right, 0.0f);
    }
    to = std::fill_n(to, layout.rows.after * layout.row, 0.0f);
  }
}

void prepare(const After& after, int64_t places, int64_t channels, float* to) {
  row_of_gradients(after, 0, places, channels, 0, channels, to, channels, false);
}

}  // namespace operations
