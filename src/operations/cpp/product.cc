// Values of a convolution: each place's products with the filters, several places and two vectors of filters at a time.
#include "product.h"

#include <utility>

#include "vector.h"

namespace operations {
namespace {

// One tile of the result stays in registers while all that its places see goes by.
template <int VECTORS, int PLACES>
void tile(const float* x, int64_t x_step, const std::vector<Run>& runs, const float* packed, float* y, int64_t y_step,
          const Finish& finish, int64_t lanes) {
  Vector sums[PLACES][VECTORS] = {};
  for (const Run& run : runs) {
    const float* at = x + run.start;
    for (int64_t k = 0; k < run.length; k++, packed += VECTORS * WIDTH) {
      Vector filters[VECTORS];
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) filters[v] = load(packed + v * WIDTH);
#pragma GCC unroll 16
      for (int p = 0; p < PLACES; p++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) sums[p][v] += at[p * x_step + k] * filters[v];
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < PLACES; p++)
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      const int64_t used = v + 1 < VECTORS ? WIDTH : lanes, at = p * y_step + v * WIDTH;
      Vector sum = sums[p][v];
      if (finish.onto) sum += load(y + at, used);
      if (finish.bias) sum += load(finish.bias + v * WIDTH, used);
      if (finish.addend) sum += load(finish.addend + at, used);
      store(y + at, finish.relu ? relu(sum) : sum, used);
    }
}

using Tile = void (*)(const float*, int64_t, const std::vector<Run>&, const float*, float*, int64_t, const Finish&,
                      int64_t);

template <int VECTORS, int... PLACES>
const Tile* tiles(std::integer_sequence<int, PLACES...>) {
  static const Tile table[] = {tile<VECTORS, PLACES + 1>...};
  return table;
}

constexpr int64_t MOST_OF_TWO = REGISTERS == 32 ? 12 : 6, MOST_OF_ONE = REGISTERS == 32 ? 16 : 12;

int64_t depth_of(const std::vector<Run>& runs) {
  int64_t depth = 0;
  for (const Run& run : runs) depth += run.length;
  return depth;
}

// Runs cut into parts of about equal depth. Sums of too many terms lose digits, and their filters leave the cache.
std::vector<std::vector<Run>> cut(const std::vector<Run>& runs) {
  constexpr int64_t DEEPEST = 640;
  const int64_t depth = depth_of(runs);
  int64_t taken = 0;
  const int64_t count = std::max<int64_t>(1, (depth + DEEPEST - 1) / DEEPEST);
  std::vector<std::vector<Run>> parts(1);
  for (Run run : runs)
    while (run.length > 0) {
      const int64_t until = depth * int64_t(parts.size()) / count, length = std::min(run.length, until - taken);
      parts.back().push_back({run.start, length});
      run = {run.start + length, run.length - length};
      taken += length;
      if (taken == until && taken < depth) parts.emplace_back();
    }
  return parts;
}

// One panel of filters for all places.
void panel(const float* x, const Places& places, const std::vector<Run>& runs, const float* packed, int64_t filters,
           float* y, const Finish& finish) {
  static const Tile* one = tiles<1>(std::make_integer_sequence<int, MOST_OF_ONE>());
  static const Tile* two = tiles<2>(std::make_integer_sequence<int, MOST_OF_TWO>());
  const bool pair = filters > WIDTH;
  const int64_t most = pair ? MOST_OF_TWO : MOST_OF_ONE, lanes = filters - (pair ? WIDTH : 0);
  const int64_t blocks = (places.inner.count + most - 1) / most;  // of about equal size
  for (int64_t outer = 0; outer < places.outer.count; outer++)
    for (int64_t middle = 0; middle < places.middle.count; middle++)
      for (int64_t block = 0; block < blocks; block++) {
        const int64_t from = places.inner.count * block / blocks, to = places.inner.count * (block + 1) / blocks;
        const int64_t x_at = outer * places.outer.x + middle * places.middle.x + from * places.inner.x;
        const int64_t y_at = outer * places.outer.y + middle * places.middle.y + from * places.inner.y;
        Finish own = finish;
        if (finish.addend) own.addend += y_at;
        (pair ? two : one)[to - from - 1](x + x_at, places.inner.x, runs, packed, y + y_at, places.inner.y, own, lanes);
      }
}

}  // namespace

void product(const float* x, const Places& places, const std::vector<Run>& runs, const float* packed, int64_t filters,
             float* y, const Finish& finish) {
  const std::vector<std::vector<Run>> parts = cut(runs);
  // Panel after panel: its filters stay in the cache while all places go by.
  for (int64_t first = 0; first < filters; first += 2 * WIDTH) {
    const int64_t used = std::min(2 * WIDTH, filters - first);
    for (size_t part = 0; part < parts.size(); part++) {
      Finish own;
      if (part + 1 == parts.size()) {
        own = finish;
        if (finish.bias) own.bias += first;
        if (finish.addend) own.addend += first;
      }
      own.onto = part > 0;
      panel(x, places, parts[part], packed, used, y + first, own);
      packed += depth_of(parts[part]) * (used > WIDTH ? 2 * WIDTH : WIDTH);
    }
  }
}

}  // namespace operations
