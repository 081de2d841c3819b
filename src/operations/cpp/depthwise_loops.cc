#include "depthwise_loops.h"

#include "vector.h"

namespace operations {
namespace {

// A pointer to every fourth place: what lies between is reached from there by one instruction's address.
template <int PLACES>
class Fourths {
 public:
  Fourths(const float* x, int64_t step) : step(step) {
    for (int p = 0; p < PLACES; p += 4) at[p / 4] = x + p * step;
  }
  const float* operator[](int place) const { return at[place / 4] + place % 4 * step; }

 private:
  const float* at[(PLACES + 3) / 4];
  const int64_t step;
};

// Places of a row, so many at a time, whose sums stay in registers while the taps go by; then half as many, until none
// is left.
template <int PLACES, typename Lanes>
void filter_row(const float* x, Axis row, const std::vector<Tap>& taps, const float* filters, int64_t channels,
                float* y, Finish finish, Lanes lanes) {
  for (; row.count >= PLACES; row.count -= PLACES) {
    const Fourths<PLACES> places(x, row.x);
    Vector sums[PLACES] = {};
    for (const Tap& tap : taps) {
      const Vector filter = load(filters + tap.number * channels, lanes);
#pragma GCC unroll 8
      for (int p = 0; p < PLACES; p++) sums[p] += load(places[p] + tap.start, lanes) * filter;
    }
    const Vector bias = finish.bias ? load(finish.bias, lanes) : Vector{};
#pragma GCC unroll 8
    for (int p = 0; p < PLACES; p++) {
      Vector sum = sums[p] + bias;
      if (finish.addend) sum += load(finish.addend + p * row.y, lanes);
      store(y + p * row.y, finish.relu ? relu(sum, finish.ceiling) : sum, lanes);
    }
    x += PLACES * row.x;
    y += PLACES * row.y;
    if (finish.addend) finish.addend += PLACES * row.y;
  }
  if constexpr (PLACES > 1) filter_row<PLACES / 2>(x, row, taps, filters, channels, y, finish, lanes);
}

// So many taps at a time, whose sums over a row stay in registers; then a third of them, until none is left.
template <int TAPS, typename Lanes>
void correlate_taps(const float* x, const Area& area, const Tap* taps, const Tap* end, const float* y, float* sums,
                    int64_t columns, Lanes lanes) {
  for (; end - taps >= TAPS; taps += TAPS) {
    Vector all[TAPS] = {};
    for (int64_t row = 0; row < area.rows.count; row++) {
      const float *x_at = x + row * area.rows.x, *y_at = y + row * area.rows.y;
      Vector own[TAPS] = {};
      for (int64_t column = 0; column < area.columns.count; column++) {
        const Vector gradient = load(y_at + column * area.columns.y);
#pragma GCC unroll 9
        for (int t = 0; t < TAPS; t++) own[t] += load(x_at + column * area.columns.x + taps[t].start, lanes) * gradient;
      }
      for (int t = 0; t < TAPS; t++) all[t] += own[t];
    }
    for (int t = 0; t < TAPS; t++) {
      float* to = sums + taps[t].number * columns;
      store(to, load(to) + all[t]);
    }
  }
  if constexpr (TAPS > 1) correlate_taps<TAPS / 3>(x, area, taps, end, y, sums, columns, lanes);
}

}  // namespace

void filtered(const float* x, const Area& area, const std::vector<Tap>& taps, const float* filters, int64_t channels,
              float* y, const Finish& finish) {
  for (int64_t row = 0; row < area.rows.count; row++)
    by_vectors(channels, [&](int64_t c, auto lanes) {
      const int64_t at = row * area.rows.y + c;
      const Finish own{finish.bias ? finish.bias + c : nullptr, finish.addend ? finish.addend + at : nullptr,
                       finish.relu, false, finish.ceiling};
      filter_row<8>(x + row * area.rows.x + c, area.columns, taps, filters + c, channels, y + at, own, lanes);
    });
}

void correlated(const float* x, const Area& area, const std::vector<Tap>& taps, const float* y, int64_t channels,
                float* sums, int64_t columns) {
  by_vectors(channels, [&](int64_t c, auto lanes) {
    correlate_taps<9>(x + c, area, taps.data(), taps.data() + taps.size(), y + c, sums + c, columns, lanes);
  });
}

}  // namespace operations
