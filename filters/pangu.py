"""The cleaning rules of PanGu-α for Chinese web pages, as signals.

Zeng et al. 2021, "PanGu-α: Large-scale Autoregressive Pretrained Chinese Language Models with
Auto-parallel Computation" (arXiv 2104.12369), as restated in Ma et al. 2023, "At Which Training
Stage Does Code Data Help LLMs Reasoning?" (arXiv 2309.16298), appendix F. Neither says what makes a
title, an advertisement or a navigation bar: these definitions and the list of keywords are ours.

What other families store is not stored twice: the length of a page is ``length.characters``, the
share of Chinese characters is ``evalweb.chinese_character_ratio``, and repeated paragraphs are
``gopher.duplicate_paragraph_ratio`` and, where a paragraph is a line,
``gopher.duplicate_line_ratio``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filters.bounds import Bounds
from filters.characters import SPECIAL_SYMBOL
from filters.signals import Signal, SignalValue
from filters.text_view import TextView
from filters.word_list import WordList

_SOURCE = "PanGu-α, arXiv 2104.12369, cleaning rules as restated in arXiv 2309.16298, appendix F"

# A headline of a Chinese newspaper has 10 to 25 characters.
_LONGEST_TITLE = 40
_STOPS = re.compile(r"[。！？；!?;…][”’」』）)\"']*$")

_MARKS = "|｜丨/>›»·•"
# A few characters, one of them Chinese: a date is no navigation bar, nor are the words of a verse.
_ITEM = (
    rf"(?=[^\s{_MARKS}]{{0,7}}[\u4e00-\u9fa5])"
    rf"[^\s{_MARKS},，。！？；:：、]{{1,8}}+"
)
# Three or more of them side by side: "首页 > 新闻 > 正文", "国内 国际 体育".
_BAR = re.compile(rf"[{_MARKS}]?\s*+{_ITEM}(?:[\s{_MARKS}]++{_ITEM}){{2,}}+\s*+[{_MARKS}]?")
# fmt: off
_LINKS = frozenset((
    "首页", "主页", "网站首页", "返回首页", "返回顶部", "返回列表", "返回", "上一页", "下一页",
    "上一篇", "下一篇", "尾页", "末页", "更多", "查看更多", "关于我们", "联系我们", "网站地图",
    "设为首页", "加入收藏", "收藏本站", "登录", "注册", "免费注册", "会员登录", "退出",
    "帮助中心", "意见反馈", "友情链接", "版权声明", "免责声明", "法律声明", "隐私政策",
    "我的订单", "购物车",
))
# fmt: on
_ADVERTISEMENT_KEYWORDS = Path(__file__).parent / "data" / "advertisement_keywords_zh.txt"


@dataclass(frozen=True, kw_only=True)
class PanGu:
    r"""What PanGu-α's cleaning rules look at.

    A page is title-only if each of its lines is a title: 40 characters or fewer, without a mark
    that ends a sentence. A line is of a navigation bar if it is three or more items of at most
    eight characters side by side, or a link that every site has ("首页", "下一页").

    The rules are made for Chinese: every figure of a text without Chinese characters is null.

    >>> values = PanGu().compute(TextView("首页 > 新闻 > 正文\n今天下雨了。\n欢迎来电！★★\n下一页"))
    >>> values["pangu.navigation_line_ratio"], values["pangu.title_only"]
    (0.5, False)
    >>> values["pangu.advertisement_keyword_count"]
    1
    """

    signals = (
        Signal(
            name="pangu.title_only",
            type="bool",
            unit="yes or no",
            meaning="Whether every line is a title: short, and without the end of a sentence.",
            source=_SOURCE,
            threshold=Bounds(max=0),
        ),
        Signal(
            name="pangu.navigation_line_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the lines that are of a navigation bar; PanGu-α cuts them.",
            source=_SOURCE,
        ),
        Signal(
            name="pangu.advertisement_keyword_count",
            type="int64",
            unit="words",
            meaning="Distinct words of Chinese advertisements, such as 厂家直销 and 加微信.",
            source=_SOURCE,
        ),
        Signal(
            name="pangu.special_symbol_ratio",
            type="float64",
            unit="ratio",
            meaning="Share of the characters that are pictures, controls or private; they are cut.",
            source=_SOURCE,
        ),
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Look for titles, navigation bars, advertisements and special symbols."""
        lines = view.lines
        if not view.chinese_characters:
            return dict.fromkeys(signal.name for signal in self.signals)
        return {
            "pangu.title_only": all(map(_is_title, lines)),
            "pangu.navigation_line_ratio": sum(map(_is_navigation, lines)) / len(lines),
            "pangu.advertisement_keyword_count": _advertisement_keywords().distinct(view.text),
            "pangu.special_symbol_ratio": view.count_characters(SPECIAL_SYMBOL) / len(view.text),
        }


def _is_title(line: str) -> bool:
    return len(line) <= _LONGEST_TITLE and not _STOPS.search(line)


def _is_navigation(line: str) -> bool:
    return line in _LINKS or _BAR.fullmatch(line) is not None


@cache
def _advertisement_keywords() -> WordList:
    return WordList.read(_ADVERTISEMENT_KEYWORDS)
