"""The list of what is compiled names what there is, and keeps what must stay interpreted."""

from pathlib import Path

from compiling import modules
from compiling.heirs import interpreted_heirs

ROOT = Path(__file__).resolve().parents[3]


def test_every_name_in_the_lists_bears_something() -> None:
    assert modules.stale(ROOT) == []


def test_a_name_that_bears_nothing_is_found(tmp_path: Path) -> None:
    assert "adapters/" in modules.stale(tmp_path)


def test_what_is_compiled_is_a_requests_way_without_the_permits() -> None:
    names = list(modules.compiled(ROOT))

    assert {"gateway/pipeline/pipeline.py", "gateway/dispatch/dispatcher.py", "adapters/document.py"} <= set(
        names
    )
    assert "routers/policy/permit.py" not in names
    assert not [
        name for name in names if name.startswith(("gateway/cli", "gateway/configuration", "gateway/sandbox"))
    ]
    assert names == sorted(names, key=lambda name: (modules.PACKAGES.index(name.split("/")[0]), name))


def test_no_interpreted_class_inherits_from_a_compiled_one() -> None:
    assert list(interpreted_heirs(ROOT)) == []


def test_one_that_does_is_named(tmp_path: Path) -> None:
    for name, text in {
        "routers/base.py": "class Base:\n    pass\n",
        "gateway/cli/by_name.py": "from routers.base import Base\n\n\nclass Heir(Base):\n    pass\n",
        "gateway/cli/by_module.py": "from routers import base\n\n\nclass Heir(base.Base):\n    pass\n",
        "gateway/pipeline/compiled.py": "from routers.base import Base\n\n\nclass Heir(Base):\n    pass\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert sorted(interpreted_heirs(tmp_path)) == [
        "gateway/cli/by_module.py: Heir inherits from base.Base",
        "gateway/cli/by_name.py: Heir inherits from Base",
    ]
