import pytest

from filters.pangu import PanGu
from filters.signals import SignalValue
from filters.text_view import TextView


def _value(text: str, name: str) -> SignalValue:
    return PanGu().compute(TextView(text))[f"pangu.{name}"]


def test_whole_result() -> None:
    text = "首页 > 新闻 > 正文\n\n★ 今天下雨，明天也下雨。\n加微信，厂家直销，加微信\n下一页"
    assert PanGu().compute(TextView(text)) == {
        "pangu.title_only": False,
        "pangu.navigation_line_ratio": 2 / 4,
        "pangu.advertisement_keyword_count": 2,
        "pangu.special_symbol_ratio": 1 / len(text),
    }


@pytest.mark.parametrize("text", ["", "It rained all day.\nHome | News | Sports", "かな"])
def test_a_text_without_chinese_has_no_figures(text: str) -> None:
    assert set(PanGu().compute(TextView(text)).values()) == {None}


@pytest.mark.parametrize(
    ("line", "is_navigation"),
    [
        ("首页", True),
        ("返回首页", True),
        ("首页 | 国内 | 国际 | 体育", True),
        ("首页>新闻>正文", True),
        ("国内　国际　体育", True),
        ("· 国内 · 国际 · 体育 ·", True),
        ("首页 新闻", False),
        ("首页的设计", False),
        ("阿诺德·施瓦辛格", False),
        ("2021/10/12 星期二", False),
        ("今天 下雨，明天 也 下雨。", False),
        ("这是一个很长很长的栏目名称 | 国内 | 国际", False),
        ("iOS 15 and macOS 12 发布", False),
    ],
)
def test_lines_of_navigation_bars(line: str, is_navigation: bool) -> None:
    assert _value(f"{line}\n字。", "navigation_line_ratio") == is_navigation / 2


@pytest.mark.parametrize(
    ("text", "title_only"),
    [
        ("潍坊银行净利润同比增长", True),
        ("潍坊银行净利润同比增长\n\n中国网财经", True),
        ("潍坊银行净利润同比增长。", False),
        ("他说：“净利润增长！”", False),
        ("字" * 40, True),
        ("字" * 41, False),
        ("标题\n正文说了一句话。", False),
    ],
)
def test_pages_of_nothing_but_titles(text: str, title_only: bool) -> None:
    assert _value(text, "title_only") is title_only


@pytest.mark.parametrize(
    ("text", "symbols"),
    [("★下雨☔\n", 2), ("下雨 \t。", 0), ("1+1=2元¥，字", 0), ("\ue000字\x00", 2)],
)
def test_special_symbols_are_pictures_and_what_nobody_sees(text: str, symbols: int) -> None:
    assert _value(text, "special_symbol_ratio") == symbols / len(text)
