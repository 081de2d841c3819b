// Execution of pieces of work, and thread-local memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>

namespace operations {

class Workers {
 public:
  virtual ~Workers() = default;
  // Calls the function once with every number below `pieces`, in any order, and waits for the last.
  virtual void each(int64_t pieces, const std::function<void(int64_t)>& work) const = 0;
};

enum Slot { IMAGES, GRADIENT, VALUES, SUMS, POINT_SUMS, SLOTS };

// Memory of this thread, reused so that it is not allocated from the system again.
inline float* scratch(Slot slot, int64_t floats) {
  struct Block {
    float* memory = nullptr;
    int64_t floats = 0;
    ~Block() { std::free(memory); }
  };
  static thread_local Block blocks[SLOTS];
  Block& block = blocks[slot];
  if (block.floats < floats) {
    std::free(block.memory);
    block.floats = 0;
    block.memory = static_cast<float*>(std::aligned_alloc(64, (sizeof(float) * floats + 63) / 64 * 64));
    if (block.memory == nullptr) throw std::bad_alloc();
    block.floats = floats;
  }
  return block.memory;
}

}  // namespace operations
