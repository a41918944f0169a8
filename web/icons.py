"""The small pictures of the pages, 16 by 16, in strokes of the text's colour. Each stands beside a word, or has one for who hears it."""

PATHS = {
    "home": "M2.5 7 8 2.5 13.5 7v6.5h-4V9.5h-3v4h-4z",
    "search": "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3l3.2 3.2",
    "runs": "M2.5 13.5v-11M2.5 13.5h11M4.5 11l3-4.5 2.5 2.5 3.5-6",
    "experiments": "M6 2.5h4M6.75 2.5v4L3 12.5a.8.8 0 0 0 .7 1h8.6a.8.8 0 0 0 .7-1L9.25 6.5v-4M5 9.5h6",
    "models": "M8 2l5.5 3v6L8 14l-5.5-3V5zM2.5 5 8 8l5.5-3M8 8v6",
    "promotions": "M8 13.5v-9M4.5 7.5 8 4l3.5 3.5M3 1.75h10",
    "deployments": "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
    "data": "M8 2c3 0 5.5.9 5.5 2S11 6 8 6 2.5 5.1 2.5 4 5 2 8 2z"
    "M2.5 4v8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2V4M2.5 8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2",
    "monitoring": "M1.5 8.5h3l2-5 3 9 2-4h3",
    "audit": "M3.5 1.75h9v12.5h-9zM6 5h4M6 8h4M6 11h2",
    "server_audit": "M3.5 1.75h9v12.5h-9zM6 8l1.5 1.5L10.5 6",
    "settings": "M2.5 4.5h6M12 4.5h1.5M10.25 2.75a1.75 1.75 0 1 1 0 3.5 1.75 1.75 0 0 1 0-3.5z"
    "M2.5 11.5H4M7.5 11.5h6M5.75 9.75a1.75 1.75 0 1 1 0 3.5 1.75 1.75 0 0 1 0-3.5z",
    "person": "M8 2.5a2.75 2.75 0 1 1 0 5.5 2.75 2.75 0 0 1 0-5.5zM2.75 13.5c.6-2.4 2.6-3.75 5.25-3.75s4.65 1.35 5.25 3.75",
    "menu": "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
    "contrast": "M8 2.25a5.75 5.75 0 1 1 0 11.5 5.75 5.75 0 0 1 0-11.5zM8 2.25v11.5M9.5 5h3M9.5 8h4M9.5 11h3",
}  # fmt: skip
