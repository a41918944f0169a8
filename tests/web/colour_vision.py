"""How colours look to people whose cones differ, and how far apart two colours then are.

The simulations are the matrices of Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision
deficiency" (2009), at full severity, on linear sRGB. Distances are Euclidean in Oklab (Björn Ottosson, 2020), times a hundred.
Contrast is that of WCAG 2.2.
"""

import numpy as np

VISIONS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def linear(colour):
    """`#rrggbb` as linear sRGB."""
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen(colour, vision):
    """The place of a colour in Oklab, times a hundred, as that vision has it."""
    return 100 * _LAB @ np.cbrt(_LMS @ np.clip(VISIONS[vision] @ linear(colour), 0, 1))


def distance(one, other, vision):
    return float(np.linalg.norm(seen(one, vision) - seen(other, vision)))


def contrast(one, other):
    light, dark = sorted((float(_LUMINANCE @ linear(colour)) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
