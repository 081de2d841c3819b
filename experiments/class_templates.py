"""The weights of a linear classifier as images, one template for each class (chapter Figs 1 and 2).

`python -m experiments.class_templates` trains on MNIST first; `data=fashion_mnist` and `data=cifar10` on others, and
`run=runs/linear_mnist-…` takes a run as it is. It writes `class_templates/templates_NAME.png` and the facts.
"""

import numpy as np

from src.config.errors import reported
from src.data.examples import LABEL
from src.interpret.templates import Templates, check_linear, templates
from src.markdown import markdown
from src.plots.templates import Match, template_figure
from src.studies.output import arguments
from src.studies.results import file_stem, write_results
from src.studies.runs import named_or_trained
from src.training.interruption import resumable
from src.training.load_run import LoadedRun

RECIPE = ("+experiment=linear_mnist",)


def main() -> None:
    """Draws the templates of one run and their products with two test images, one of them misclassified."""
    with reported(), resumable():
        run = named_or_trained(arguments(), RECIPE, check_linear)
        found = templates(run)
        spec, results = run.engine.spec, run.directory.read_json("results.json")
        matches = [match(found, run, number) for number in chosen(found, run)]
        facts = {
            "run": run.directory.path.name,
            "data": spec.name,
            "test_accuracy": results["test_accuracy"],
            "parameters": results["parameters"],
            "biases": dict(zip(spec.class_names, found.biases.tolist(), strict=True)),
            "scores": [
                {"label": spec.class_names[each.label], "scores": each.scores.tolist()} for each in matches
            ],
        }  # fmt: skip
        columns = ["B_k", *(f"a {spec.class_names[each.label]}: X*W_k + B_k" for each in matches)]
        values = np.stack([found.biases, *(each.scores for each in matches)], axis=1)
        rows = [[name, *(f"{value:+.2f}" for value in row)] for name, row in zip(spec.class_names, values, strict=True)]
        figure = template_figure(found.weights, found.biases, spec.class_names, matches)
        write_results(
            "class_templates",
            facts,
            figures={"templates": figure},
            table=markdown(["class", *columns], rows),
            name=file_stem(spec.name),
        )
        print(f"test accuracy {results['test_accuracy']:.2%} with {results['parameters']:,} parameters")


def chosen(found: Templates, run: LoadedRun) -> list[int]:
    """The first test image that is classified correctly, and the first that is not."""
    test = run.engine.dataset.test
    right = np.array([found.scores(image).argmax() for image in test.inputs[:200]]) == test.targets[LABEL][:200]
    return sorted({int(np.argmax(right)), int(np.argmin(right))})


def match(found: Templates, run: LoadedRun, number: int) -> Match:
    """A test image against all templates."""
    image, label = run.engine.dataset.test.inputs[number], int(run.engine.dataset.test.targets[LABEL][number])
    return Match(image, label, found.products(image), found.scores(image))


if __name__ == "__main__":
    main()
