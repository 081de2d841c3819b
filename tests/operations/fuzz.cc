// Random convolutions and poolings through the plain loops, without JAX: compared with loops in double precision that
// anyone can read, with the same bits from one thread and from several. To be compiled with sanitizers: every array is
// exactly as large as its shape says. Prints how many there were; `fuzz SEED COUNT`.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "convolution.h"
#include "pooling.h"

using namespace operations;
using Values = std::vector<float>;

class Threads : public Workers {
 public:
  explicit Threads(int count) : count(count) {}
  void each(int64_t pieces, const std::function<void(int64_t)>& work) const override {
    std::atomic<int64_t> next{0};
    const auto run = [&] {
      for (int64_t piece; (piece = next.fetch_add(1)) < pieces;) work(piece);
    };
    std::vector<std::thread> helpers;
    for (int i = 1; i < count; i++) helpers.emplace_back(run);
    run();
    for (std::thread& helper : helpers) helper.join();
  }

 private:
  const int count;
};

static std::mt19937 source;
static int64_t between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(source); }
static Values some(int64_t count) {
  std::normal_distribution<float> normal;
  Values values(count);
  for (float& value : values) value = normal(source);
  return values;
}

// Any side, or one of the usual 3x3 windows in single steps, which have loops of their own.
static Side side(bool usual) {
  Side s{0, 0, between(1, 4), between(1, 3), between(0, 3), between(1, 2)};
  if (usual) s.window = 3, s.stride = s.dilation = 1;
  const int64_t after = between(0, 3);
  s.size = std::max<int64_t>(1, s.seen() - s.before - after) + between(0, 9);
  s.out = (s.size + s.before + after - s.seen()) / s.stride + 1;
  return s;
}

// Calls the function with the places in x, filters and y of every product of the convolution.
template <typename Use>
static void products(const Convolution& c, const Use& use) {
  for (int64_t n = 0; n < c.images; n++)
    for (int64_t oh = 0; oh < c.rows.out; oh++)
      for (int64_t ow = 0; ow < c.columns.out; ow++)
        for (int64_t kh = 0; kh < c.rows.window; kh++)
          for (int64_t kw = 0; kw < c.columns.window; kw++) {
            const int64_t h = oh * c.rows.stride + kh * c.rows.dilation - c.rows.before;
            const int64_t w = ow * c.columns.stride + kw * c.columns.dilation - c.columns.before;
            if (h < 0 || w < 0 || h >= c.rows.size || w >= c.columns.size) continue;
            for (int64_t i = 0; i < c.channels; i++)
              for (int64_t o = c.depthwise ? i : 0; o < (c.depthwise ? i + 1 : c.filters); o++)
                use(((n * c.rows.size + h) * c.columns.size + w) * c.channels + i,
                    ((kh * c.columns.window + kw) * (c.depthwise ? 1 : c.channels) + (c.depthwise ? 0 : i)) *
                            c.filters +
                        o,
                    ((n * c.rows.out + oh) * c.columns.out + ow) * c.filters + o);
          }
}

static bool close(float found, double exact) {
  if (!std::isfinite(exact)) return found == exact || (std::isnan(found) && std::isnan(exact));
  return std::fabs(found - exact) <= 1e-4 * (1 + std::fabs(exact));
}

static void check(const char* what, const Values& found, const std::vector<double>& exact) {
  for (size_t i = 0; i < exact.size(); i++)
    if (!close(found[i], exact[i])) {
      std::printf("%s: %g in place of %g at %zu\n", what, found[i], exact[i], i);
      std::exit(1);
    }
}

static void same(const char* what, const Values& one, const Values& other) {
  if (std::memcmp(one.data(), other.data(), one.size() * sizeof(float))) {
    std::printf("%s: other bits from other threads\n", what);
    std::exit(1);
  }
}

static void convolution() {
  const bool usual = between(0, 1);
  Convolution c{between(1, 40), between(1, 40), between(1, 40), side(usual), side(usual), between(0, 3) == 0};
  if (c.depthwise) c.filters = c.channels;
  const int64_t in = c.images * c.input(), out = c.images * c.output(), weights = c.depth() * c.filters;
  const Values x = some(in), filters = some(weights), dy = some(out), z = some(out), bias = some(c.filters);
  const Values scale = some(c.channels), shift = some(c.channels), by = some(c.filters), addend = some(in);
  std::vector<double> y(out), dx(addend.begin(), addend.end()), dfilters(weights), gradient(out), seen(in);
  for (int64_t i = 0; i < in; i++) seen[i] = std::max(0.0f, scale[i % c.channels] * x[i] + shift[i % c.channels]);
  for (int64_t i = 0; i < out; i++) {
    y[i] = bias[i % c.filters];
    gradient[i] = by[i % c.filters] * (z[i] > 0 ? dy[i] : 0) + bias[i % c.filters] * z[i] + by[i % c.filters];
  }
  products(c, [&](int64_t a, int64_t f, int64_t b) {
    y[b] += seen[a] * filters[f];
    dx[a] += gradient[b] * filters[f];
    dfilters[f] += gradient[b] * seen[a];
  });
  After after;
  after.dy = dy.data();
  after.y = after.z = z.data();
  after.by_gradient = after.constant = by.data();
  after.by_value = bias.data();
  Values first[5];
  for (const int threads : {1, 3}) {
    Values own[5] = {Values(out), Values(in), Values(weights), Values(in), Values(weights)};
    Values mean(c.filters), variance(c.filters), sum(c.channels), distances(c.channels), masked(out);
    const Threads workers(threads);
    const Prologue prologue{scale.data(), shift.data()};
    forward(workers, c,
            {x.data(),
             filters.data(),
             prologue,
             {bias.data(), nullptr, false, false},
             own[0].data(),
             mean.data(),
             variance.data()});
    after.masked = masked.data();
    backward(workers, c,
             {x.data(), filters.data(), prologue, after, addend.data(), scale.data(), own[1].data(), own[2].data(),
              sum.data(), distances.data()});
    after.masked = nullptr;
    backward(
        workers, c,
        {x.data(), filters.data(), prologue, after, addend.data(), nullptr, own[3].data(), nullptr, nullptr, nullptr});
    backward(workers, c,
             {x.data(), filters.data(), prologue, after, nullptr, nullptr, nullptr, own[4].data(), nullptr, nullptr});
    check("forward", own[0], y);
    for (const int i : {1, 3}) check("input gradient", own[i], dx);
    for (const int i : {2, 4}) check("kernel gradient", own[i], dfilters);
    for (int i = 0; i < 5; i++) threads == 1 ? void(first[i] = own[i]) : same("convolution", first[i], own[i]);
  }
}

// Calls the function with the places in x and y of all that each window sees, row by row.
template <typename Use>
static void sights(const Pooling& p, const Use& use) {
  const Convolution c{p.images, p.channels, p.channels, p.rows, p.columns, true};
  products(c, [&](int64_t a, int64_t, int64_t b) { use(a, b); });
}

static void pooling() {
  Pooling p{between(1, 40), between(1, 40), side(false), side(false)};
  for (Side* s : {&p.rows, &p.columns}) s->dilation = 1, s->out = (s->size + s->before) / s->stride + 1;
  const int64_t in = p.images * p.input(), out = p.images * p.places() * p.channels;
  const bool whole = between(0, 1);
  Values x = some(in), dy = some(out);
  for (float& value : x) value = std::round(2 * value);  // some are equal
  std::vector<double> largest(out, -INFINITY), mean(out), to_first(in), spread(in), count(out);
  std::vector<int64_t> first(out, -1);
  sights(p, [&](int64_t a, int64_t b) {
    if (x[a] > largest[b]) largest[b] = x[a], first[b] = a;
    count[b] += 1;
  });
  if (whole) count.assign(out, p.rows.window * p.columns.window);
  sights(p, [&](int64_t a, int64_t b) { mean[b] += x[a] / count[b], spread[a] += dy[b] / count[b]; });
  for (int64_t b = 0; b < out; b++) {
    if (first[b] >= 0) to_first[first[b]] += dy[b];
    if (count[b] == 0) mean[b] = NAN;
  }
  Values results[4];
  for (const int threads : {1, 3}) {
    Values own[4] = {Values(out), Values(in), Values(out), Values(in)};
    std::vector<uint8_t> places(out);
    const Threads workers(threads);
    max_pool(workers, p, x.data(), own[0].data(), places.data());
    max_pool_back(workers, p, places.data(), dy.data(), own[1].data());
    average_pool(workers, p, whole, x.data(), own[2].data());
    average_pool_back(workers, p, whole, dy.data(), own[3].data());
    check("largest", own[0], largest);
    check("gradient of the largest", own[1], to_first);
    check("mean", own[2], mean);
    check("gradient of the mean", own[3], spread);
    for (int i = 0; i < 4; i++) threads == 1 ? void(results[i] = own[i]) : same("pooling", results[i], own[i]);
  }
}

int main(int, char** arguments) {
  source.seed(std::atoi(arguments[1]));
  const int count = std::atoi(arguments[2]);
  for (int i = 0; i < count; i++) convolution(), pooling();
  std::printf("%d\n", count);
}
