// Runs work on XLA's threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "work.h"
#include "xla/ffi/api/ffi.h"

namespace operations {

// The pieces of one call; each thread takes the next number. The caller works too, so it never waits for an idle
// thread.
class Job {
 public:
  Job(int64_t pieces, const std::function<void(int64_t)>& work) : pieces(pieces), work(work) {}

  void run() {
    for (int64_t piece; (piece = next.fetch_add(1)) < pieces;) {
      try {
        work(piece);
      } catch (...) {
        failed = true;
      }
      if (done.fetch_add(1) + 1 == pieces) {
        const std::lock_guard<std::mutex> lock(mutex);
        finished.notify_all();
      }
    }
  }

  void wait() {
    std::unique_lock<std::mutex> lock(mutex);
    finished.wait(lock, [&] { return done.load() >= pieces; });
    if (failed) throw std::bad_alloc();
  }

 private:
  const int64_t pieces;
  const std::function<void(int64_t)> work;
  std::atomic<int64_t> next{0}, done{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::condition_variable finished;
};

class PoolWorkers : public Workers {
 public:
  explicit PoolWorkers(xla::ffi::ThreadPool& pool) : pool(pool) {}

  void each(int64_t pieces, const std::function<void(int64_t)>& work) const override {
    if (pieces == 0) return;
    const auto job = std::make_shared<Job>(pieces, work);
    const int64_t helpers = std::min(pool.num_threads(), pieces) - 1;
    for (int64_t i = 0; i < helpers; i++) pool.Schedule([job] { job->run(); });
    job->run();
    job->wait();
  }

 private:
  xla::ffi::ThreadPool& pool;
};

}  // namespace operations
