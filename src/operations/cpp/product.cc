// Values of a convolution: each place's products with the filters, several places and two vectors of filters at a time.
#include "product.h"

#include <utility>

#include "vector.h"

namespace operations {
namespace {

// Writes a tile's sums with all that is done to them; of the last vectors only the first lanes.
[[gnu::noinline]] void write(const Vector* sums, int64_t places, int64_t vectors, float* y, int64_t y_step,
                             const Finish& finish, int64_t lanes) {
  for (int64_t p = 0; p < places; p++)
    for (int64_t v = 0; v < vectors; v++) {
      const int64_t used = v + 1 < vectors ? WIDTH : lanes, at = p * y_step + v * WIDTH;
      Vector sum = *sums++;
      if (finish.onto) sum += load(y + at, used);
      if (finish.bias) sum += load(finish.bias + v * WIDTH, used);
      if (finish.addend) sum += load(finish.addend + at, used);
      store(y + at, finish.relu ? relu(sum, finish.ceiling) : sum, used);
    }
}

// One tile of the result stays in registers during the loop over the values of its patches.
template <int VECTORS, int PLACES>
void tile(const float* x, int64_t x_step, const std::vector<Run>& runs, const float* packed, float* y, int64_t y_step,
          const Finish& finish, int64_t lanes) {
  Vector sums[PLACES][VECTORS] = {}, memory[PLACES][VECTORS];
  bool is_aside = false;
  for (const Run& run : runs) {
    // A pointer to every fourth place: what lies between is reached from there by one instruction's address.
    const float* fourth[(PLACES + 3) / 4];
    for (int p = 0; p < PLACES; p += 4) fourth[p / 4] = x + run.start + p * x_step;
    for (int64_t k = 0; k < run.length; k++, packed += VECTORS * WIDTH) {
      Vector filters[VECTORS];
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) filters[v] = load(packed + v * WIDTH);
#pragma GCC unroll 16
      for (int p = 0; p < PLACES; p++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) sums[p][v] += fourth[p / 4][p % 4 * x_step + k] * filters[v];
    }
    if (!run.ends) continue;
#pragma GCC unroll 16
    for (int p = 0; p < PLACES; p++)
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) {
        memory[p][v] = is_aside ? memory[p][v] + sums[p][v] : sums[p][v];
        sums[p][v] = Vector{};
      }
    is_aside = true;
  }
  if (is_aside)
#pragma GCC unroll 16
    for (int p = 0; p < PLACES; p++)
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) sums[p][v] += memory[p][v];
  if (finish.writes_only() && lanes == WIDTH) {
#pragma GCC unroll 16
    for (int p = 0; p < PLACES; p++)
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) store(y + p * y_step + v * WIDTH, sums[p][v]);
    return;
  }
  // Through memory: values that stay in registers across the following code would leave too few for the loops above.
  std::memcpy(memory, sums, sizeof(sums));
  write(memory[0], PLACES, VECTORS, y, y_step, finish, lanes);
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

Parts cut(const std::vector<Run>& runs, int64_t longest) {
  constexpr int64_t DEEPEST = 640;
  const int64_t depth = depth_of(runs), sums_of_part = DEEPEST / longest;
  const int64_t count = std::max<int64_t>(1, (depth + longest - 1) / longest);
  int64_t taken = 0, sums = 0;
  Parts parts(1);
  for (Run run : runs)
    while (run.length > 0) {
      const int64_t until = depth * (sums + 1) / count, length = std::min(run.length, until - taken);
      parts.back().push_back({run.start, length});
      run = {run.start + length, run.length - length};
      taken += length;
      if (taken < until || taken == depth) continue;
      if (++sums % sums_of_part == 0)
        parts.emplace_back();
      else
        parts.back().back().ends = true;
    }
  return parts;
}

void product(const float* x, const Places& places, const Parts& parts, const float* packed, int64_t filters, float* y,
             const Finish& finish) {
  // Panel by panel: its filters stay in the cache during the loop over all places.
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
