"""The `llm` command, through Weir: models from an `extra-openai-models.yaml`, as its users write it."""

import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest
from material import png
from reporting import Backend, Site, cannot, feature, needs_sense

ASK = "What is the weather in Oslo?"
TOOL = """
def get_weather(city: str) -> str:
    "The weather of a city."
    return f"4 degrees in {city}"
"""


@pytest.fixture(scope="module")
def home(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder of settings."""
    folder = tmp_path_factory.mktemp("llm")
    models = []
    for backend in site.backends:
        for name in (backend.model, backend.busy, backend.broken, f"{backend.model}-of-tomorrow"):
            can = "supports_tools: true\n  supports_schema: true" + (
                "\n  vision: true" if backend.sees else ""
            )
            models.append(
                f"- model_id: weir-{name}\n  model_name: {name}\n  api_base: {site.v1}\n  api_key_name: weir\n  {can}"
            )
    (folder / "extra-openai-models.yaml").write_text("\n".join(models) + "\n")
    (folder / "keys.json").write_text(json.dumps({"weir": site.key}))
    return folder


def llm(home: Path, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command."""
    environ = {**os.environ, "LLM_USER_PATH": str(home), "OPENAI_MAX_RETRIES": "0"}
    told = ["--key", key] if key else []
    command = [str(Path(sys.executable).with_name("llm")), *arguments, *told]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=50, check=False)


def done(ran: subprocess.CompletedProcess[str]) -> str:
    """What it printed, where all went well."""
    assert ran.returncode == 0, ran.stderr[-800:]
    return ran.stdout.strip()


@feature("plain")
def test_an_answer(home: Path, backend: Backend) -> None:
    assert done(llm(home, "-m", f"weir-{backend.model}", "--no-stream", "-o", "max_tokens", "48", ASK))


@feature("streaming")
def test_a_stream(home: Path, backend: Backend) -> None:
    assert done(llm(home, "-m", f"weir-{backend.model}", "-o", "max_tokens", "48", ASK))


@feature("usage in stream")
def test_usage_in_a_stream(home: Path, backend: Backend) -> None:
    ran = llm(home, "-m", f"weir-{backend.model}", "-u", "-o", "max_tokens", "48", ASK)
    assert done(ran)
    found = re.search(r"Token usage: ([\d,]+) input, ([\d,]+) output", ran.stderr)
    assert found, ran.stderr


@feature("conversation")
def test_many_turns(home: Path, backend: Backend) -> None:
    done(llm(home, "-m", f"weir-{backend.model}", "-o", "max_tokens", "24", "ping"))
    assert done(llm(home, "-c", "-m", f"weir-{backend.model}", "-o", "max_tokens", "24", "Say hello."))
    logged = json.loads(done(llm(home, "logs", "-c", "--json")))
    assert len(logged) == 2
    assert len({each["conversation_id"] for each in logged}) == 1


@feature("tool loop")
@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_loop(home: Path, backend: Backend, stream: bool) -> None:
    needs_sense(backend)
    more = [] if stream else ["--no-stream"]
    said = done(llm(home, "-m", f"weir-{backend.model}", "--functions", TOOL, *more, ASK))
    assert "4 degrees in Oslo" in said


@feature("structured output")
def test_a_schema(home: Path, backend: Backend) -> None:
    needs_sense(backend)
    said = done(llm(home, "-m", f"weir-{backend.model}", "--schema", "city, degrees int", ASK))
    assert set(json.loads(said)) == {"city", "degrees"}


@feature("images")
def test_an_image(home: Path, backend: Backend, tmp_path: Path) -> None:
    if not backend.sees:
        cannot("the model is not listed as one that sees images: the command itself refuses them")

    picture = tmp_path / "dot.png"
    picture.write_bytes(b64decode(png().partition(",")[2]))
    assert done(llm(home, "-m", f"weir-{backend.model}", "-a", str(picture), "What is this?"))


@feature("bad key")
def test_a_bad_key(home: Path, backend: Backend) -> None:
    ran = llm(home, "-m", f"weir-{backend.model}", ASK, key="sk-weir-wrong")
    assert ran.returncode != 0
    assert "401" in ran.stderr


@feature("unknown model")
def test_an_unknown_model(home: Path, backend: Backend) -> None:
    ran = llm(home, "-m", f"weir-{backend.model}-of-tomorrow", ASK)
    assert ran.returncode != 0
    assert "404" in ran.stderr
    assert "does not exist" in ran.stderr


@feature("rate limit")
def test_a_rate_limit(home: Path, backend: Backend) -> None:
    ran = llm(home, "-m", f"weir-{backend.busy}", ASK)
    assert ran.returncode != 0
    assert "429" in ran.stderr


@feature("broken stream")
def test_a_broken_stream(home: Path, backend: Backend) -> None:
    assert llm(home, "-m", f"weir-{backend.broken}", ASK).returncode != 0
