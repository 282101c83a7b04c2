# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml", "resvg_py==0.5.0", "pillow==13.0.0"]
# ///
"""Draws the exercises: from pictures/poses.yml one SVG for each, with title and description from content/exercises, and a PNG made from it. Usage: uv run scripts/draw_pictures.py

Every point in poses.yml is [x, y] or [x, y, z]: x to the right, y the height above the floor, z toward the viewer. A view may be turned (walk round the figure toward its
right end) and tilted (look down on it), in degrees, so that limb lengths are checked in full, also where the picture shows them shortened.
"""

from __future__ import annotations

import hashlib
import io
import math
from html import escape
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "pictures"
SOURCE = "source-sha256"  # what a PNG says of the SVG that it was made from

WIDTH, HEIGHT, PANEL = 640, 300, 320
COLOURS = {"near": "#1f5f66", "far": "#8fb8bb", "grey": "#8a8478", "pale": "#c9c4b9", "orange": "#d9822b", "paper": "#f7f7f4"}
HEAD_RADIUS, NOSE_WIDTH, NECK_WIDTH, TORSO_WIDTH, LIMB_WIDTH, HALO = 15, 6, 11, 20, 12, 1.6
ORDER = ["back", "far_leg", "far_arm", "middle", "head", "torso", "near_leg", "near_arm", "front"]
LENGTHS = {"head-neck": 27, "torso": 85, "shoulder-elbow": 42, "elbow-hand": 40, "hip-knee": 62, "knee-ankle": 60, "ankle-toe": 20}
ARM, LEG = ("shoulder", "elbow", "hand"), ("hip", "knee", "ankle", "toe")
LIMBS = {"near_arm": ARM, "far_arm": ARM, "near_leg": LEG, "far_leg": LEG}
TOLERANCE = 0.15
DIGITS = {1: "M-3 -3L1 -6V6", 2: "M-4 -3C-4 -7 4 -7 4 -2.5C4 0 -1 2.5 -4 6H4.5"}


def in_space(point):
    """Return a point as x, y, z; a point without z lies in the plane of the picture."""
    return tuple(point) if len(point) == 3 else (*point, 0)


def middle(first, second):
    """Return the point halfway between two points in space."""
    return tuple((a + b) / 2 for a, b in zip(in_space(first), in_space(second)))


def spine_line(pose):
    """Return the points from the neck to the middle of the hips, by way of any curve of the back."""
    return [pose["neck"], *pose.get("spine", []), middle(pose["near_leg"]["hip"], pose["far_leg"]["hip"])]


def segments(pose):
    """Yield the place, the kind and the length of every body segment of a pose."""
    yield "head", "head-neck", math.dist(in_space(pose["head"]), in_space(pose["neck"]))
    spine = [in_space(point) for point in spine_line(pose)]
    yield "torso", "torso", sum(math.dist(a, b) for a, b in zip(spine, spine[1:]))
    for limb, joints in LIMBS.items():
        for joint, following in zip(joints, joints[1:]):
            yield limb, f"{joint}-{following}", math.dist(in_space(pose[limb][joint]), in_space(pose[limb][following]))


def check_lengths(label, pose):
    """Refuse a pose with a body segment that is much too long or too short."""
    for place, kind, length in segments(pose):
        if abs(length / LENGTHS[kind] - 1) > TOLERANCE:
            raise SystemExit(f"{label}: {place} {kind} is {length:.0f} long, should be about {LENGTHS[kind]}")


def make_camera(view):
    """Return the function that turns a point in space into a point on the panel."""
    turn, tilt = math.radians(view.get("turn", 0)), math.radians(view.get("tilt", 0))
    scale, (left, floor) = view.get("scale", 1), view["origin"]

    def project(point):
        x, y, z = in_space(point)
        across, toward = x * math.cos(turn) - z * math.sin(turn), x * math.sin(turn) + z * math.cos(turn)
        return left + scale * across, floor - scale * (y * math.cos(tilt) - toward * math.sin(tilt))

    return project


def number(value):
    """Write a coordinate with at most one decimal."""
    return f"{round(value, 1):g}"


def pair(point):
    """Write a point for use in a path."""
    return f"{number(point[0])} {number(point[1])}"


def straight(points, closed=False):
    """Return path data for straight lines through the points."""
    return "M" + "L".join(pair(point) for point in points) + ("Z" if closed else "")


def smooth(points):
    """Return path data for a smooth curve through the points."""
    path = "M" + pair(points[0])
    padded = [points[0], *points, points[-1]]
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:]):
        leave = [s + (e - b) / 6 for s, e, b in zip(start, end, before)]
        arrive = [e - (a - s) / 6 for s, e, a in zip(start, end, after)]
        path += f"C{pair(leave)} {pair(arrive)} {pair(end)}"
    return path


def stroke(path, colour, width, fill="none"):
    """Return one path drawn with round ends and corners."""
    return f'<path d="{path}" fill="{fill}" stroke="{colour}" stroke-width="{number(width)}"/>'


def outlined(path, colour, width, filled=False):
    """Return a path on a slightly wider paper-coloured one, so that it stands out from what lies behind it."""
    paper = COLOURS["paper"]
    return stroke(path, paper, width + 2 * HALO, paper if filled else "none") + stroke(path, colour, width, colour if filled else "none")


def circle(centre, radius, colour):
    """Return a filled circle."""
    return f'<circle cx="{number(centre[0])}" cy="{number(centre[1])}" r="{number(radius)}" fill="{colour}"/>'


def draw_limb(pose, limb, project, scale):
    """Draw an arm or a leg through its joints, in the colour of its side."""
    path = straight([project(pose[limb][joint]) for joint in LIMBS[limb]])
    return outlined(path, COLOURS[limb.split("_")[0]], LIMB_WIDTH * scale)


def draw_torso(pose, project, scale):
    """Draw the neck and the torso: a curve where the pose gives a spine, otherwise the area between shoulders and hips."""
    colour = COLOURS["near"]
    neck = stroke(straight([project(pose["head"]), project(pose["neck"])]), colour, NECK_WIDTH * scale)
    if "spine" in pose:
        return outlined(smooth([project(point) for point in spine_line(pose)]), colour, TORSO_WIDTH * scale) + neck
    corners = [pose["near_arm"]["shoulder"], pose["neck"], pose["far_arm"]["shoulder"], pose["far_leg"]["hip"], pose["near_leg"]["hip"]]
    return outlined(straight([project(point) for point in corners], closed=True), colour, TORSO_WIDTH * scale, filled=True) + neck


def draw_head(pose, project, scale):
    """Draw the head, with a small nose that shows where it looks if the pose gives one."""
    centre, colour = project(pose["head"]), COLOURS["near"]
    halo = circle(centre, (HEAD_RADIUS + HALO) * scale, COLOURS["paper"])
    nose = stroke(straight([centre, project(pose["nose"])]), colour, NOSE_WIDTH * scale) if "nose" in pose else ""
    return halo + circle(centre, HEAD_RADIUS * scale, colour) + nose


def draw_prop(prop, project, scale):
    """Draw a thing that is not the body: a line, a curve, a filled area or a ball."""
    colour, points = COLOURS[prop.get("colour", "grey")], [project(point) for point in prop["points"]]
    if prop["shape"] == "ball":
        return circle(points[0], (prop["radius"] + HALO) * scale, COLOURS["paper"]) + circle(points[0], prop["radius"] * scale, colour)
    if prop["shape"] == "area":
        return stroke(straight(points, closed=True), colour, prop.get("width", 4) * scale, fill=colour)
    return stroke((smooth if prop["shape"] == "curve" else straight)(points), colour, prop["width"] * scale)


def draw_arrow(points, project):
    """Draw a movement arrow: a smooth line with a head on its last point."""
    points = [project(point) for point in points]
    (x, y), (end_x, end_y) = points[-2:]
    angle = math.atan2(end_y - y, end_x - x)
    wings = [(end_x - 10 * math.cos(angle + side), end_y - 10 * math.sin(angle + side)) for side in (0.6, -0.6)]
    return stroke(smooth(points), COLOURS["orange"], 4) + stroke(straight([wings[0], points[-1], wings[1]]), COLOURS["orange"], 4)


def draw_panel(panel, view):
    """Draw one pose with its props and arrows."""
    project, scale, pose = make_camera(view), view.get("scale", 1), panel["pose"]
    parts = {"head": draw_head(pose, project, scale), "torso": draw_torso(pose, project, scale)}
    parts |= {limb: draw_limb(pose, limb, project, scale) for limb in LIMBS}
    for prop in panel.get("props", []):
        layer = prop.get("layer", "back")
        parts[layer] = parts.get(layer, "") + draw_prop(prop, project, scale)
    drawn = [parts.get(name, "") for name in panel.get("order", ORDER)]
    return "".join(drawn + [draw_arrow(arrow, project) for arrow in panel.get("arrows", [])])


def draw_badge(panel_number):
    """Draw the number of a panel in a small circle."""
    digit = f'<path d="{DIGITS[panel_number]}" fill="none" stroke="{COLOURS["paper"]}" stroke-width="2.4"/>'
    return f'<g transform="translate(26 26)">{circle((0, 0), 13, COLOURS["grey"])}{digit}</g>'


def draw_exercise(name, picture, title, description):
    """Return the whole SVG of an exercise: its start on the left and its end on the right.

    Raises: SystemExit where a limb is much too long or too short.
    """
    panels = ""
    for position, panel in enumerate(picture["panels"]):
        check_lengths(f"{name}, panel {position + 1}", panel["pose"])
        drawn = draw_panel(panel, picture["view"]) + draw_badge(position + 1)
        panels += f'<g transform="translate({position * PANEL} 0)">{drawn}</g>\n'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-title {name}-desc">\n'
        f'<title id="{name}-title">{escape(title)}</title>\n<desc id="{name}-desc">{escape(description)}</desc>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="18" fill="{COLOURS["paper"]}"/>\n'
        f'<path d="M{PANEL} 20V{HEIGHT - 20}" stroke="{COLOURS["pale"]}" stroke-width="1.5"/>\n'
        f'<g stroke-linecap="round" stroke-linejoin="round">\n{panels}</g>\n</svg>\n'
    )  # fmt: skip


def drawings():
    """Return the SVG of every exercise, by its id."""
    poses = yaml.safe_load((PICTURES / "poses.yml").read_text(encoding="utf-8"))
    exercises = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "content" / "exercises").glob("*.yml"))}
    return {name: draw_exercise(name, poses[name], exercise["title"], exercise["picture"]) for name, exercise in exercises.items()}


def sha256(svg):
    """Return by what a PNG names the SVG that it was made from."""
    return hashlib.sha256(svg.encode("utf-8")).hexdigest()


def write_png(svg, path):
    """Write the picture as PNG, in 64 colours."""
    import resvg_py
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    image = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=WIDTH)))).quantize(64)
    said = PngInfo()
    said.add_text(SOURCE, sha256(svg))
    image.save(path, optimize=True, pnginfo=said)


def main():
    """Draw every exercise."""
    for name, svg in drawings().items():
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")
        write_png(svg, PICTURES / f"{name}.png")
        print(name)


if __name__ == "__main__":
    main()
