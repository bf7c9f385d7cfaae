"""Charts as inline SVG: what a report needs, with no script, font or file from anywhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 560
HEIGHT: Final = 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 46

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """A chart's axes: what they mean and where they end. Data points are (x, y) in these units."""

    x_title: str
    y_title: str
    x: Point = (0.0, 1.0)
    y: Point = (0.0, 1.0)
    x_percent: bool = True
    y_percent: bool = True

    def at(self, point: Point) -> Point:
        """Where a point of data lies on the page."""
        across = (point[0] - self.x[0]) / (self.x[1] - self.x[0])
        up = (point[1] - self.y[0]) / (self.y[1] - self.y[0])
        return (
            _LEFT + across * (WIDTH - _LEFT - _RIGHT),
            HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM),
        )


def chart(frame: Frame, label: str, *marks: str) -> str:
    """A whole chart; `label` says in words what it shows."""
    name = escape(label)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}"><title>{name}</title>'
        f"{_axes(frame)}{''.join(marks)}</svg>"
    )


def line(frame: Frame, points: Sequence[Point], style: str, name: str) -> str:
    """A line through the points; hovering names it."""
    said = f"<title>{escape(name)}</title>"
    return f'<polyline class="line {style}" points="{_path(frame, points)}">{said}</polyline>'


def band(frame: Frame, low: Sequence[Point], high: Sequence[Point], style: str) -> str:
    """The area between two lines."""
    outline = _path(frame, [*low, *reversed(high)])
    return f'<polygon class="band {style}" points="{outline}"/>'


def bars(frame: Frame, edges: Sequence[float], heights: Sequence[float], style: str) -> str:
    """A histogram: one bar between each two neighbouring edges."""
    out = []
    for start, end, height in zip(edges, edges[1:], heights, strict=False):
        x0, y0 = frame.at((start, height))
        x1, y1 = frame.at((end, frame.y[0]))
        said = f"{start:.2f} to {end:.2f}: {_number(height, frame.y_percent)}"
        out.append(
            f'<rect class="bar {style}" x="{x0 + 0.5:.1f}" y="{y0:.1f}" width="{max(x1 - x0 - 1, 0.5):.1f}" '
            f'height="{max(y1 - y0, 0):.1f}"><title>{said}</title></rect>'
        )
    return "".join(out)


def dots(frame: Frame, points: Sequence[tuple[float, float, str]], style: str) -> str:
    """Points with what each says when pointed at."""
    out = []
    for x, y, said in points:
        across, down = frame.at((x, y))
        at = f'cx="{across:.1f}" cy="{down:.1f}" r="4"'
        out.append(f'<circle class="dot {style}" {at}><title>{escape(said)}</title></circle>')
    return "".join(out)


def stem(frame: Frame, x: float, low: float, high: float, style: str) -> str:
    """An upright interval."""
    (across, bottom), (_, top) = frame.at((x, low)), frame.at((x, high))
    return (
        f'<line class="line {style}" x1="{across:.1f}" y1="{bottom:.1f}" x2="{across:.1f}" y2="{top:.1f}"/>'
    )


def _path(frame: Frame, points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(frame.at, points))


def _number(value: float, percent: bool) -> str:
    return f"{value:.0%}" if percent else f"{value:g}"


def _axes(frame: Frame) -> str:
    """Grid, ticks and titles."""
    out = []
    for tick in range(6):
        x = frame.x[0] + (frame.x[1] - frame.x[0]) * tick / 5
        y = frame.y[0] + (frame.y[1] - frame.y[0]) * tick / 5
        across, down = frame.at((x, y))
        out += [
            f'<line class="grid" x1="{_LEFT}" y1="{down:.1f}" x2="{WIDTH - _RIGHT}" y2="{down:.1f}"/>',
            f'<text class="tick" x="{_LEFT - 7}" y="{down + 4:.1f}" text-anchor="end">'
            f"{_number(round(y, 4), frame.y_percent)}</text>",
            f'<text class="tick" x="{across:.1f}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
            f"{_number(round(x, 4), frame.x_percent)}</text>",
        ]
    middle = (HEIGHT - _BOTTOM + _TOP) / 2
    out += [
        f'<text class="title" x="{(WIDTH + _LEFT - _RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{escape(frame.x_title)}</text>",
        f'<text class="title" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(frame.y_title)}</text>",
    ]
    return "".join(out)
