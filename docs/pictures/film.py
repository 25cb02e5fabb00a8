#!/usr/bin/env python3
"""Draws a short film of our own, for pictures of the page: hills that pass by, a sun, a flight of birds; it ends
as it begins.

usage: film.py FILE   (anything that ffmpeg can write)
"""

import math
import subprocess
import sys

WIDTH, HEIGHT, RATE, FRAMES = 320, 180, 10, 80
# Each range of hills: how high it stands, how much it sways, how often it passes by in the film, its colour.
HILLS = ((104, 14, 1, (143, 164, 190)), (124, 18, 2, (96, 128, 142)), (146, 16, 3, (52, 92, 88)),
         (166, 9, 5, (26, 56, 52)))
SKY = ((74, 112, 178), (252, 214, 170))  # above, and at the horizon
SUN = (255, 240, 200)


def mix(one, other, share):
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other))


def sky(time):
    """The sky with the sun, whose light fades around it; rows of [r, g, b]."""
    x0, y0, radius = 226, 62 + 8 * math.sin(2 * math.pi * time), 17
    rows = []
    for y in range(HEIGHT):
        base = mix(*SKY, min(1, y / 130))
        row = [base] * WIDTH
        for x in range(WIDTH):
            away = math.hypot(x - x0, y - y0) - radius
            if away < 60:
                row[x] = mix(base, SUN, 1.0 if away < 0 else 0.55 * (1 - away / 60) ** 2)
        rows.append(row)
    return rows


def ridge(hill, x, time):
    level, sway, times, _ = hill
    turn = 2 * math.pi * (x / WIDTH + times * time)
    return level - sway * (0.6 * math.sin(turn) + 0.3 * math.sin(2 * turn + level) + 0.14 * math.sin(5 * turn + 1))


def birds(rows, time):
    for number in range(7):
        side = (number + 1) // 2 * (1 if number % 2 else -1)
        x0 = (time * WIDTH + 60 - 9 * abs(side)) % WIDTH
        y0 = 44 + 6 * side + 5 * math.sin(2 * math.pi * (time + number / 7))
        lift = 3 * math.sin(2 * math.pi * (8 * time + number / 5))
        for step in range(-6, 7):
            x, y = round(x0 + step), round(y0 - lift * (abs(step) / 6) ** 1.5 + abs(step) / 4)
            if 0 <= x < WIDTH:
                rows[y][x] = rows[y + 1][x] = (38, 44, 60)


def frame(number):
    time = number / FRAMES
    rows = sky(time)
    birds(rows, time)
    for hill in HILLS:
        for x in range(WIDTH):
            top = ridge(hill, x, time)
            for y in range(math.ceil(top), HEIGHT):
                rows[y][x] = mix(hill[3], SKY[1], 0.16 * max(0, 1 - (y - top) / 22))
    return bytes(value for row in rows for pixel in row for value in pixel)


def main():
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "%dx%d" % (WIDTH, HEIGHT),
               "-r", str(RATE), "-i", "-", "-pix_fmt", "yuv420p", "-q:v", "2", sys.argv[1]]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        for number in range(FRAMES):
            ffmpeg.stdin.write(frame(number))
        ffmpeg.stdin.close()
        return ffmpeg.wait()


if __name__ == "__main__":
    sys.exit(main())
