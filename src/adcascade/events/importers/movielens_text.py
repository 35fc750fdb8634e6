"""How the text files of the MovieLens editions are written: names of their columns, delimiters."""

from pathlib import Path

from adcascade.events.importers.text import Dialect

GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
DIALECTS = {
    "u.data": Dialect(delimiter="\t", columns=("user_id", "item_id", "rating", "timestamp"), quotes=False),
    "u.user": Dialect(delimiter="|", columns=("user_id", "age", "gender", "occupation", "zip"), quotes=False),
    "u.item": Dialect(
        delimiter="|",
        columns=("item_id", "title", "release_date", "video_release_date", "url", *GENRES),
        quotes=False,
        encoding="latin-1",
    ),
    "ratings.dat": Dialect(delimiter="::", columns=("user_id", "item_id", "rating", "timestamp"), quotes=False),
    "movies.dat": Dialect(delimiter="::", columns=("item_id", "title", "genres"), quotes=False, encoding="latin-1"),
    "users.dat": Dialect(delimiter="::", columns=("user_id", "gender", "age", "occupation", "zip"), quotes=False),
}


def dialect_of(path: Path) -> Dialect:
    """By the file's name; comma-separated with a header where it is none of the older editions."""
    name = path.name.lower().removesuffix(".gz").removesuffix(".bz2")
    return DIALECTS.get(name, Dialect())
