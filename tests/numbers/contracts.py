"""The numbers of pages that promise and measure nothing; tests named there keep the promises."""

RANDOMNESS = [
    "Dispatches of 2, 5 or 100 steps", "1, 2 and 8 devices agree within 1e-5",
    "with 1, 2\n  and 5 threads",
]  # fmt: skip
PRECISION = ["the larger of NaN and 0 for 0 (seen in JAX 0.10.2:", "over an array of NaN is 0)"]
SETTINGS = ["6n+2 layers"]
RUNS = ["the number of latest checkpoints (2);"]
ADVERSARIAL = [
    "the whole pixel range is 1,",
    "With `epsilon` 0",
    "`foolbox==3.3.4`",
    "numbers from 0 to 1; what",
    "float32 from 0 to 1.",
]
