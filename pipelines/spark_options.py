"""Options of the Spark runner beside Beam's ``--spark_master_url``; free of PySpark."""

from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.errors import UserError

_PRESETS = {
    "spark.app.name": "thresher",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # The cores are counted when they are there.
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
}


class SparkOptions(PipelineOptions):
    """Settings of Spark itself, as flags."""

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        parser.add_argument(
            "--spark_conf",
            action="append",
            metavar="KEY=VALUE",
            help="a setting of Spark, such as spark.executor.memory=8g; repeatable",
        )


def spark_settings(options: PipelineOptions) -> dict[str, str]:
    """Return Spark's settings: what is given in `--spark_conf` goes before the presets.

    Raises:
        UserError: one is not KEY=VALUE.
    """
    settings = dict(_PRESETS)
    for given in options.view_as(SparkOptions).spark_conf or ():
        key, equals, value = given.partition("=")
        if not equals or not key.startswith("spark."):
            raise UserError(f"--spark_conf {given}: write spark.KEY=VALUE")
        settings[key] = value
    return settings
