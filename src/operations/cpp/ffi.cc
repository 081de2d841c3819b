// The operations as XLA calls them, on its own threads.
#include "binding.h"
#include "convolution.h"
#include "pooling.h"
#include "vector.h"

namespace operations {
namespace {

// Numbers of a window: stride, zeros before, dilation; first of rows, then of columns.
Convolution shape_of(const Input::Dimensions& x, const Input::Dimensions& filters, const Input::Dimensions& y,
                     Numbers window) {
  return {x[0],
          x[3],
          filters[3],
          {x[1], y[1], filters[0], window[0], window[2], window[4]},
          {x[2], y[2], filters[1], window[1], window[3], window[5]},
          filters[2] < x[3]};
}

ffi::Error run_forward(ffi::ThreadPool pool, Numbers window, bool relu, float ceiling, Input x, Input filters,
                       Input scale, Input shift, Input bias, Input addend, Output y, Output mean, Output variance) {
  return reported([&] {
    forward(PoolWorkers(pool), shape_of(x.dimensions(), filters.dimensions(), y->dimensions(), window),
            {x.typed_data(),
             filters.typed_data(),
             {given(scale), given(shift)},
             {given(bias), given(addend), relu, false, ceiling},
             y->typed_data(),
             wanted(mean),
             wanted(variance)});
  });
}

ffi::Error run_backward(ffi::ThreadPool pool, Numbers window, float ceiling, Input x, Input filters, Input scale,
                        Input shift, Input dy, Input y, Input z, Input mask_scale, Input mask_shift, Input by_gradient,
                        Input by_value, Input constant, Input addend, Input x_mean, Output dx, Output dfilters,
                        Output masked, Output sum, Output sum_of_distances) {
  return reported([&] {
    backward(PoolWorkers(pool), shape_of(x.dimensions(), filters.dimensions(), dy.dimensions(), window),
             {x.typed_data(),
              filters.typed_data(),
              {given(scale), given(shift)},
              {dy.typed_data(), given(y), given(z), given(mask_scale), given(mask_shift), given(by_gradient),
               given(by_value), given(constant), wanted(masked), ceiling},
              given(addend),
              given(x_mean),
              wanted(dx),
              wanted(dfilters),
              wanted(sum),
              wanted(sum_of_distances)});
  });
}

ffi::Error run_apply(ffi::ThreadPool pool, bool relu, float ceiling, Input x, Input scale, Input shift, Input addend,
                     Output y) {
  return reported([&] {
    const auto size = x.dimensions();
    apply(PoolWorkers(pool),
          {x.typed_data(), scale.typed_data(), shift.typed_data(), given(addend), relu, ceiling, y->typed_data()},
          size[0], size[1] * size[2], size[3]);
  });
}

ffi::Error run_sums(ffi::ThreadPool pool, float ceiling, Input z, Input y, Input dy, Input mean, Output sum,
                    Output distances) {
  return reported([&] {
    const auto size = z.dimensions();
    const int64_t image = size[1] * size[2] * size[3];
    After after;
    after.dy = dy.typed_data();
    after.y = given(y);
    after.z = z.typed_data();
    after.ceiling = ceiling;
    Gathered gathered(size[0], size[3]);
    PoolWorkers(pool).each(
        size[0], [&](int64_t i) { gathered.sums(i, after.at(i * image), mean.typed_data(), size[1] * size[2]); });
    gathered.put_sums(sum->typed_data(), distances->typed_data());
  });
}

ffi::Error run_moments(ffi::ThreadPool pool, Input x, Output mean, Output variance) {
  return reported([&] {
    const auto size = x.dimensions();
    const int64_t places = size[1] * size[2];
    Gathered gathered(size[0], size[3]);
    PoolWorkers(pool).each(
        size[0], [&](int64_t i) { gathered.moments(i, x.typed_data() + i * places * size[3], places, 0, size[3]); });
    gathered.put_moments(places, mean->typed_data(), variance->typed_data());
  });
}

ffi::Error run_norm_back(ffi::ThreadPool pool, Input dy, Input z, Input mask_scale, Input mask_shift, Input by_gradient,
                         Input by_value, Input constant, Output gradient) {
  return reported([&] {
    const auto size = z.dimensions();
    const int64_t places = size[1] * size[2], image = places * size[3];
    After after;
    after.dy = dy.typed_data();
    after.z = z.typed_data();
    after.mask_scale = mask_scale.typed_data();
    after.mask_shift = mask_shift.typed_data();
    after.by_gradient = by_gradient.typed_data();
    after.by_value = by_value.typed_data();
    after.constant = constant.typed_data();
    PoolWorkers(pool).each(
        size[0], [&](int64_t i) { prepare(after.at(i * image), places, size[3], gradient->typed_data() + i * image); });
  });
}

// Numbers of a window: its size, stride, and places before the maps; first of rows, then of columns.
Pooling pooling_of(const Input::Dimensions& x, const Input::Dimensions& y, Numbers window) {
  return {
      x[0], x[3], {x[1], y[1], window[0], window[2], window[4], 1}, {x[2], y[2], window[1], window[3], window[5], 1}};
}

ffi::Error run_max_pool(ffi::ThreadPool pool, Numbers window, Input x, Output y, ffi::Result<Bytes> first) {
  return reported([&] {
    max_pool(PoolWorkers(pool), pooling_of(x.dimensions(), y->dimensions(), window), x.typed_data(), y->typed_data(),
             first->typed_data());
  });
}

ffi::Error run_max_pool_back(ffi::ThreadPool pool, Numbers window, Bytes first, Input dy, Output dx) {
  return reported([&] {
    max_pool_back(PoolWorkers(pool), pooling_of(dx->dimensions(), dy.dimensions(), window), first.typed_data(),
                  dy.typed_data(), dx->typed_data());
  });
}

ffi::Error run_average_pool(ffi::ThreadPool pool, Numbers window, bool whole, Input x, Output y) {
  return reported([&] {
    average_pool(PoolWorkers(pool), pooling_of(x.dimensions(), y->dimensions(), window), whole, x.typed_data(),
                 y->typed_data());
  });
}

ffi::Error run_average_pool_back(ffi::ThreadPool pool, Numbers window, bool whole, Input dy, Output dx) {
  return reported([&] {
    average_pool_back(PoolWorkers(pool), pooling_of(dx->dimensions(), dy.dimensions(), window), whole, dy.typed_data(),
                      dx->typed_data());
  });
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    ForwardCall, run_forward,
    outputs<3>(inputs<6>(on_threads().Attr<Numbers>("window").Attr<bool>("relu").Attr<float>("ceiling"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(BackwardCall, run_backward,
                              outputs<5>(inputs<14>(on_threads().Attr<Numbers>("window").Attr<float>("ceiling"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(ApplyCall, run_apply,
                              outputs<1>(inputs<4>(on_threads().Attr<bool>("relu").Attr<float>("ceiling"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(SumsCall, run_sums, outputs<2>(inputs<4>(on_threads().Attr<float>("ceiling"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(MomentsOfCall, run_moments, outputs<2>(inputs<1>(on_threads())));
XLA_FFI_DEFINE_HANDLER_SYMBOL(NormBackCall, run_norm_back, outputs<1>(inputs<7>(on_threads())));
XLA_FFI_DEFINE_HANDLER_SYMBOL(MaxPoolCall, run_max_pool,
                              outputs<1>(inputs<1>(on_threads().Attr<Numbers>("window"))).Ret<Bytes>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(MaxPoolBackCall, run_max_pool_back,
                              outputs<1>(inputs<1>(on_threads().Attr<Numbers>("window").Arg<Bytes>())));
XLA_FFI_DEFINE_HANDLER_SYMBOL(AveragePoolCall, run_average_pool,
                              outputs<1>(inputs<1>(on_threads().Attr<Numbers>("window").Attr<bool>("whole"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(AveragePoolBackCall, run_average_pool_back,
                              outputs<1>(inputs<1>(on_threads().Attr<Numbers>("window").Attr<bool>("whole"))));

extern "C" int64_t VectorWidth() { return WIDTH; }

}  // namespace operations
