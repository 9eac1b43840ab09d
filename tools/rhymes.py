"""The text that ships: two rhymes that grow by a line a verse, and are older than any copyright."""

from pathlib import Path

# The House That Jack Built (printed 1755): what a verse adds, and how the line before goes on
HOUSE = (
    ("the house", "that Jack built"),
    ("the malt", "that lay in"),
    ("the rat", "that ate"),
    ("the cat", "that killed"),
    ("the dog", "that worried"),
    ("the cow with the crumpled horn", "that tossed"),
    ("the maiden all forlorn", "that milked"),
    ("the man all tattered and torn", "that kissed"),
    ("the priest all shaven and shorn", "that married"),
    ("the cock that crowed in the morn", "that waked"),
    ("the farmer sowing his corn", "that kept"),
)
# The Twelve Days of Christmas (printed 1780)
DAYS = (
    ("first", "a partridge in a pear tree"),
    ("second", "two turtle doves"),
    ("third", "three French hens"),
    ("fourth", "four colly birds"),
    ("fifth", "five gold rings"),
    ("sixth", "six geese a-laying"),
    ("seventh", "seven swans a-swimming"),
    ("eighth", "eight maids a-milking"),
    ("ninth", "nine drummers drumming"),
    ("tenth", "ten pipers piping"),
    ("eleventh", "eleven ladies dancing"),
    ("twelfth", "twelve lords a-leaping"),
)


def write_rhymes(file: Path) -> None:
    """The two rhymes, a line each line, an empty line between verses."""
    verses = [_day(number) for number in range(len(DAYS))]
    verses += [_house(number) for number in range(len(HOUSE))]
    file.write_text("\n\n".join("\n".join(verse) for verse in verses) + "\n", "utf-8", newline="\n")


def _day(number: int) -> list[str]:
    lines = [f"On the {DAYS[number][0]} day of Christmas", "my true love sent to me"]
    lines += [gift for _, gift in reversed(DAYS[1 : number + 1])]
    return [*lines, f"{'and ' if number else ''}{DAYS[0][1]}."]


def _house(number: int) -> list[str]:
    lines, thing = [], f"This is {HOUSE[number][0]}"
    for place in range(number, 0, -1):
        lines.append(thing)
        thing = f"{HOUSE[place][1]} {HOUSE[place - 1][0]}"
    return [*lines, f"{thing} {HOUSE[0][1]}."]
