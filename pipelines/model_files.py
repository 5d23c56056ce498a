"""The files of a recipe's models: where they are, and copies on this machine."""

from pathlib import Path

from models import model_folder
from pipelines import storage
from pipelines.errors import UserError
from pipelines.recipe import Model, Models, Recipe


def is_folder(path: str) -> bool:
    """Tell whether a recipe's model is a folder that thresher trained, here or in a store."""
    if "://" in path:
        return storage.exists(storage.join(path, model_folder.DESCRIPTION))
    return model_folder.is_folder(path)


def files_of(path: str) -> list[str]:
    """Return the paths of a model's files.

    Raises:
        UserError: there is no such model.
    """
    if not is_folder(path):
        if not storage.exists(path):
            raise UserError(f"{path}: no such model file; check the recipe's model paths")
        return [path]
    if "://" in path:
        return [file.path for file in storage.match(storage.join(path, "*"))]
    files = sorted(Path(model_folder.resolve(path)).iterdir())
    return [str(file) for file in files if file.is_file() and file.suffix != ".md"]


def with_local_files(recipe: Recipe) -> Recipe:
    """Return the recipe with copies on this machine for models and lists of remote stores."""

    def localised(model: Model) -> Model:
        return model.model_copy(update={"path": storage.local_copy(model.path)})

    models = recipe.models
    language = {"model": storage.local_copy(recipe.language.model)}
    return recipe.model_copy(
        update={
            "language": recipe.language.model_copy(update=language),
            "tokenizer": storage.local_copy(recipe.tokenizer),
            "models": Models(
                harmful=models.harmful and localised(models.harmful),
                quality=[localised(model) for model in models.quality],
                reference=[localised(model) for model in models.reference],
            ),
            "signals": [entry.with_local_files() for entry in recipe.signals],
        }
    )
