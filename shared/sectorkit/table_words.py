"""Words of questions to tables, in English and Chinese: what names a kind of column, compares, counts, ranks, or says nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sectorkit.query import Operator

# What a kind of column is called in questions. The key is what such a column's own name may contain; longer ones go first.
SYNONYMS: Final[Mapping[str, str]] = {
    "failure mode": "failure mode, failure modes, failures, failure, fail, fails, ways to fail, go wrong, goes wrong, 失效模式, 故障模式, 故障",
    "cause": "cause, causes, because, because of, due to, caused by, caused, root cause, root causes, reason, reasons, reason for, lead to, leads to, leading to, "
    "make, makes, trigger, triggers, why, 原因, 起因, 引起, 导致, 造成",
    "effect": "effect, effects, consequence, consequences, impact, impacts, result of, outcome, symptom, symptoms, make itself felt, "
    "show itself, shows itself, happens if, happens when, happen if, notice, noticed, 影响, 后果, 现象",
    "current control": "control, controls, current control, current controls, safeguard, safeguards, checked, checks, in place, 控制措施, 现行控制, 控制",
    "recommended action": "action, actions, recommended action, recommended actions, recommendation, recommendations, recommended, "
    "recommend, remedy, remedies, countermeasure, countermeasures, measure, measures, mitigation, mitigations, to do, be done, asked to do, "
    "tasks, task, given, 建议措施, 措施, 对策",
    "work done": "remedy, remedies, work done, repair, repairs, repaired, fix, fixed, done, job, jobs, 维修内容, 处理",
    "observation": "observation, observations, observed, noticed, finding, findings, 现象, 观察",
    "sev": "severity, sev",
    "occ": "occurrence, occ",
    "det": "detection, det",
    "severity": "severity, severities, severe, 严重度, 严重性",
    "occurrence": "occurrence, occurrences, 频度, 发生度",
    "detection": "detection, detectability, detected, detect, 探测度",
    "rpn": "rpn, rpns, risk priority number, risk priority numbers, risk number, risk, risks, riskiest, risky, 风险优先数, 风险",
    "cost": "cost, costs, costliest, expensive, money, eur, euros, spent, pay, paid, 成本, 费用, 花钱, 花费, 花的钱, 欧元",
    "price": "price, prices, cost, costs, expensive, costliest, cheap, cheapest, cheaper, dear, dearer, dearest, pricier, euros, eur, 价格, 单价",
    "fee": "fee, fees, paid, pay, pays, charge, charges, charged, 费用",
    "supplier": "supplier, suppliers, supplies, supply, supplied, vendor, vendors, manufacturer, maker, buy, bought, come from, 供应商, 供应",
    "credit": "credit, credits, credited, euros, eur, paid, refund, refunded",
    "downtime": "downtime, down, stopped, stood still, standing still, stand still, standstill, idle, longest, took, take, hours, 停机时间, 停机",
    "quantity": "quantity, quantities, pieces, number of pieces, 数量",
    "machine": "machine, machines, 机器, 设备, 机型",
    "asset": "asset, assets, pump, pumps, machine, machines, 设备",
    "process step": "step, steps, process step, station, stations, stage, stages, where, 工序",
    "location": "location, locations, where, placed, installed, mounted, kept, 位置, 哪里, 装在哪里, 放在什么位置",
    "found at": "found at, where, found, discovered, 发现",
    "line": "line, lines, production line, 生产线, 产线",
    "shift": "shift, shifts, 班次",
    "defect": "defect, defects, fault, faults, 缺陷, 缺陷种类",
    "disposition": "disposition, dispositions, decision, 处置",
    "component": "component, components, part, parts, 部件, 零件",
    "owner": "owner, owners, who, responsible, in charge, assigned, 负责人, 负责, 谁",
    "responsib": "owner, who, responsible, responsibility, in charge, department, departments, assigned, person, 负责人, 负责, 谁",
    "due": "due, due date, deadline, by when, by what date, until when, when, 到期, 什么时候到期, 期限",
    "received": "received, reached us, came in, come in, arrived, when, 收到",
    "date": "date, day, when, 日期, 什么时候, 哪天",
    "permissible error": "permissible error, tolerance, tolerances, allowed error, 允许误差",
    "error": "error, errors, deviation, deviations, 误差",
    "remark": "remark, remarks, comment, comments, note, 备注",
    "complaint": "complaint, complaints, complain, complained, claims, claim, 投诉",
    "customer": "customer, customers, client, clients, 客户",
    "product": "product, products, drinks, drink, article, articles, 产品",
    "category": "category, categories, kind, kinds, type of complaint, 类别",
}  # fmt: skip
# Numbers that may be added up; of others, such as ratings, a sum over rows says little, so that rows themselves are ranked.
ADDITIVE: Final = re.compile(r"cost|credit|quantity|amount|downtime|pieces|fee|\blost\b|scrap|费用|成本|数量|停机")
UNITS: Final[Mapping[str, str]] = {
    "hours": "h", "hour": "h", "h": "h", "minutes": "min", "minute": "min", "euros": "eur", "euro": "eur", "eur": "eur", "€": "eur",
    "小时": "h", "分钟": "min", "欧元": "eur",
}  # fmt: skip

COMPARING: Final[tuple[tuple[str, Operator], ...]] = (
    (r"at least|no(?:t)? (?:less|lower|fewer) than|>=|≥|不低于|不少于|不小于|至少|达到", ">="),
    (r"at most|no(?:t)? (?:more|higher|greater) than|up to|<=|≤|不高于|不超过|不大于|至多", "<="),
    (r"(?:more|greater|higher|larger|longer|bigger) than|(?:dearer|pricier|more expensive|costlier) than|above|over|exceed(?:s|ing)?|beyond|>|大于|高于|超过|多于", ">"),
    (r"(?:less|lower|fewer|smaller|shorter|cheaper) than|below|under|<|小于|低于|少于", "<"),
)  # fmt: skip
NUMBER: Final = r"(?P<n>\d{1,15}(?:,\d{3}){0,4}(?:\.\d{1,9})?)(?![\d]*[a-z]\b)"
OPERATORS: Final = tuple(
    (re.compile(rf"(?:{words})\s*(?:an?\s|的)?{NUMBER}\s*(?P<unit>[a-z€]+|小时|分钟|欧元)?"), op)
    for words, op in COMPARING
)
# "above an RPN of 80": before a column's name, whose number is behind it.
AHEAD: Final = tuple((re.compile(rf"\b(?:{words})(?:\s+(?:an?|the))?\s*$"), op) for words, op in COMPARING)
# Where higher is worse by custom: of other numbers nobody knows it.
RATING: Final = re.compile(r"^(?:sev|occ|det|rpn\b|risk)")
WORSE: Final = re.compile(
    rf"\b(?P<how>worse|better) than\s+{NUMBER}|{NUMBER.replace('?P<n>', '?P<m>')}\s+(?:or|and)\s+(?P<or>worse|better)\b"
)
AFTERWARDS: Final = re.compile(
    rf"{NUMBER}\s*(?P<unit>[a-z€]*)\s*(?:or|and)\s+(?P<how>more|higher|above|over|greater|up|less|lower|below|fewer)\b|{NUMBER.replace('?P<n>', '?P<zn>')}\s*(?P<zh>以上|以下)"
)


def afterwards(match: re.Match[str]) -> Operator:
    """How a match of AFTERWARDS compares: "9 or more"."""
    up = match["zh"] == "以上" or match["how"] in ("more", "higher", "above", "over", "greater", "up")
    return ">=" if up else "<="


BETWEEN: Final = re.compile(
    rf"\b(?:between|from)\s+{NUMBER}\s+(?:and|to|up to|through)(?:\s+and including|\s+and incl)?\s+{NUMBER.replace('?P<n>', '?P<m>')}(?![\d年-])"
)

# "how many lines": of a table, unless it has a column of that name.
COUNTED_ROWS: Final = re.compile(
    r"\b(?:how many|number of|count of) (?P<rows>lines|rows|entries|items|records|points|positions)\b"
)
HAS_MORE: Final = re.compile(
    r"\b(?:who|which(?: one)?(?: of (?:them|the two))?) has (?:the )?more\b"
)  # "generator or drivetrain"
COUNTED: Final = re.compile(
    rf"{HAS_MORE.pattern}"
    r"|\bhow many\b|\bhow often\b|\bhow frequently\b|\bnumber of\b|\bcount(?: of)?\b|多少(?:条|个|次|件|台|项|行|种)|几(?:条|个|次|件|台|项|行|种)|多少(?=\S{0,6}(?:记录|缺陷|投诉))"
)
DIFFERENT: Final = re.compile(r"\b(?:different|distinct|unique|(?:kinds?|types?|sorts?) of)\b|不同|种类")
# What a title says its rows are: "Defect log", "Register of permits".
ENTRIES: Final = re.compile(
    r"\b(?P<before>\w+) (?:log|register|list|records?|journal)\b|\b(?:log|register|list|records?|journal) of (?:the |all )?(?P<behind>\w+)"
)
# What people call the rows of a table of that title: the stops of a downtime log.
ROWS_OF: Final[Mapping[str, Sequence[str]]] = {
    "downtime": ("stop", "stoppage", "breakdown", "outage"), "incident": ("accident", "event"), "ncr": ("nonconformance", "nonconformity"),
}  # fmt: skip
MEAN: Final = re.compile(r"\b(?:mean|average|averaged|averages|typical|on average)\b|平均")
SUM: Final = re.compile(
    r"\b(?:in total|total|sum|altogether|all together|how much|add up|adds up|added up|taken together|combined)\b|合计|总和|总"
)
MOST: Final = re.compile(
    r"\bmore (?:often|frequently) than (?:any|all)(?: the)? others?\b|(?<!at )\bmost (?:often|frequent|frequently|common|commonly)\b|(?<!at )\bmost\b|\bmore often\b|最多|最常"
)
HIGH: Final = re.compile(
    r"\b(?:share (?:the )?)?(?:highest|largest|biggest|greatest|longest|worst|maximum|max|top|hardest|how high(?= (?:do|does|did|can)\b)|riskiest|costliest|most (?:severe|critical|expensive|costly|risky)|dearest|priciest)\b"
    r"|最高|最大|最长|最严重"
)
LOW: Final = re.compile(
    r"\b(?:lowest|easiest|how low(?= (?:do|does|did|can)\b)|smallest|shortest|fewest|least(?! (?:critical|risky|severe))|least (?:critical|risky|severe)|(?:minimum|min)(?! of| stock)|tightest|best|cheapest|least expensive)\b|最低|最小|最短|最少"
)
LATE: Final = re.compile(r"\b(?:latest|newest|most recent|most recently)\b|最近|最新|最晚")
EARLY: Final = re.compile(r"\b(?:earliest|oldest)\b|最早")
EACH: Final = re.compile(
    r"\b(?:each|per|every|for all|broken down by|split by|grouped by|by|of the different)\b|每|各(?![是为])"
)
RANK: Final = re.compile(
    r"\b(?:rank|ranking|ranked|sort|sorted|in order of|in the order of|order by|ordered by|(?:highest|worst|largest|biggest|most|lowest|smallest|best) first|descending|ascending)\b|排序|排名"
)
COMPARED: Final = re.compile(r"\b(?:compared? (?:with|to)|compare)\b|相比|对比")
COMPARATIVE: Final = re.compile(r"\b(?:bigger|higher|greater|larger|worse|lower|smaller|better|riskier)\b(?! than)")
# "the subsystem with the lowest mean RPN"
WITH_MOST: Final = re.compile(
    r"\s+(?:with|having|has|have|that has|which has|showing)\s+(?:the )?(?:highest|lowest|largest|smallest|greatest|biggest|most|fewest|worst|best)\b"
)
GROUPED: Final = re.compile(r"\b(?:which|what|each|per|every)\s+$")
WHICH: Final = re.compile(r"\b(?:which|what)\b|哪")
SMALL: Final[Mapping[str, int]] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "dozen": 12,
    "twenty": 20,
} | {c: n for n, c in enumerate("一二三四五六七八九十", start=1)} | {"两": 2}  # fmt: skip
_SOME = "|".join([r"\d+", *(word for word in SMALL if word.isascii())])
_HAN = "".join(word for word in SMALL if not word.isascii())
# "top 3", "the five riskiest", "worst three", "which four", 前三, 哪三种
TOP: Final = re.compile(
    rf"\b(?:top|worst|best|highest|lowest|largest|smallest|longest|which|what|the)\s+(?P<n>{_SOME})\b(?!\s*(?:%|eur|h\b|hours))"
    rf"|\b(?P<m>{_SOME})\s+(?=(?:highest|lowest|largest|smallest|longest|shortest|worst|best|riskiest|costliest|most)\b)"
    rf"|(?:前|哪|最\S{{1,2}}的)\s*(?P<z>\d+|[{_HAN}])(?=[个条种项行台名]|\b)"
)
HELD: Final = re.compile(
    r"(?:mention(?:s|ed|ing)?|contain(?:s|ed|ing)?|with the words?|提到|包含|含有)\s*(?:the\s+)?(?P<what>[^,?，？。]+)|by an? (?P<sense>[a-z]+)\b"
)
WITHOUT: Final = re.compile(
    r"(?:\bno|\bwithout(?: an?| any)?|\black(?:s|ing)?(?: an?| any)?|\bmissing|\bnot? (?:yet )?(?:have|has|got)(?: an?| any)?"
    r"|\bno ?one|\bnobody|\bnever(?: yet)?(?: been)?|\bnot yet(?: been)?|\bnot (?:yet )?(?:been )?(?:assigned to|given)(?: any| an?)?|\bempty"
    r"|(?<!有)没有|无|缺少)(?: current| recommended| corrective)?\s*$"
)
NOT_DONE: Final = re.compile(r"\bnot(?: yet)?(?: been)?\s*$")  # before "assigned"
EMPTIED: Final = re.compile(r"\s*(?:is|are|was|were)?\s*(?:empty|missing|blank)\b")
OTHER: Final = re.compile(
    r"(?:\bother than|\bexcept(?: for)?|\bexcluding|\bapart from|\bbut not|\bnot|\baside from|\boutside(?: of)?|\bnon-?|不是由?|并非|除了?|不由)"
    r"(?:\s(?:on|in|from|at|by|of|for|those|the ones|that|which|are|is|with|yet|being|to|the))*\s*[\"'“‘(]?\s*$"
)
# What wants more than rows that hold a word: "can I rely on", "how do I".
HOW_TO: Final = re.compile(r"how (?:do|does|can|could|should) (?:i|we|you|one|they)\b|怎么(?!样)|如何")
# The thing that is counted or listed: "how many stops" are no rows with the word "stop" in a cell.
COUNTED_THING: Final = re.compile(
    r"\b(?:how many|number of|no\. of|count of|(?:list|show)(?: me)?(?: all)?(?: the)?|all(?: the)?|which|first|last|more|most|fewest)\s+(?P<thing>[a-z]+)"
)
PER: Final = re.compile(r"\b(?:each|per|every|for all)\b|每|各(?![是为])")
REASONING: Final = re.compile(
    r"(?:why|how (?:do|does|did|can|could|should|to)|(?:can|could|may|might|should|must|shall) (?!you\b)|(?:is|was|are) it)\b"
    r"|怎么|如何|为什么|能不能|可以|应该"
)
EITHER: Final = re.compile(
    r"(?:\b(?:or|and|(?:compared )?(?:with|to)|versus|than)(?: those| that| the ones)?(?: of| on| in| at)?(?: the)?|[,、和或及/&])\s*$"
)  # before a second value of a column
GLOSS: Final = re.compile(
    r"(?:^|[的、和，\s条个次件台项为是把中里])(?P<said>(?:(?!的)[\u4e00-\u9fff]){1,8})\s*[（(]\s*$"
    r"|\b(?P<word>[a-z]+) \(\s*$"
)
INCLUDING: Final = re.compile(r"\binclud(?:e|es|ed|ing)\s+(?:an?\s+|the\s+)?$")
HARD_TO: Final = re.compile(r"\b(?:hardest|easiest|difficult|easy|hard) to (?P<what>[a-z]+)\b")
EQUAL_AFTER: Final = re.compile(
    rf"\s*(?:rating\s*)?(?:of|is|are|=|equals?|equal to|rated|at|为|等于|是)?\s*(?:exactly\s*)?{NUMBER}(?:\s+or\s+(?P<or>\d+))?(?![a-z0-9-])"
)
EQUAL_BEFORE: Final = re.compile(rf"(?:\brated|\ba)\s+{NUMBER}(?:\s+or\s+(?P<or>\d+))?\s+(?:for|in|on)\s+(?:the\s+)?$")
ZERO: Final = re.compile(r"\b(?:(?P<zero>zero|out of)|no)\s+$")
BY_TOTAL: Final = re.compile(
    r"\s*(?:sorted|ranked|in order)?\s*(?:by|of)\s+(?:their\s+|the\s+)?(?P<of>total|sum|number|mean|average)\b"
)
NUMBER_OF: Final = re.compile(r"\bnumber of\s+(?:the\s+)?")
HOW_MANY: Final = re.compile(r"\bhow many (?P<word>\w+)|多少(?P<zh>小时|欧元)")
LEAST: Final = re.compile(r"\bleast (?:often|frequent|frequently|common)\b|最少")
FIRST: Final = re.compile(r"\bfirst\b")
LAST: Final = re.compile(r"\blast\b")
MEASURES: Final = frozenset(
    ("days", "weeks", "months", "hours", "minutes", "euros", "percent", "kilometres", "metres", "litres", "tonnes")
)
HAVING: Final = re.compile(
    r"\b(?:have|has|had|having|with|got|carry|carries)(?: an?| any| some)?(?: current| recommended| corrective)?\s+$"
)
# Two things at once that one query does not give.
TWOFOLD: Final = (
    re.compile(
        r"\b(?:highest|largest|most|maximum|max|longest|top)\b.*\b(?:lowest|smallest|fewest|least|minimum|min|shortest)\b"
    ),
    re.compile(
        r"\b(?:lowest|smallest|fewest|minimum|min|shortest)\b.*\b(?:highest|largest|most|maximum|max|longest)\b"
    ),
    re.compile(r"\b(?:average|mean)\b.*\b(?:total|sum)\b|\b(?:total|sum)\b.*\b(?:average|mean)\b"),
    re.compile(r"\bthan (?:the )?(?:average|mean|usual|median)\b"),
    re.compile(r"\b(?:average|mean)\s+(?:number|count)\b(?!.*\bof (?:bottles|pieces|hours|days)\b)"),
    re.compile(
        r"\b(?:sum|total|average|mean) of (?:the )?(?:\w+ )?(?:highest|largest|lowest|smallest|top|worst|best|last|first)\b"
    ),
)
YES: Final = frozenset(("yes", "y", "true", "ja", "是"))
NO: Final = frozenset(("no", "n", "false", "nein", "否"))

# Words that say nothing of what is asked for, whatever the table: function words, light verbs, politeness, words for rows.
# Words that narrow ("overdue", "last"), deny ("never", "only") or order in time are none of them.
_STOP = """
a across an and any but are as at by did do does for from had has have how in is it its list many much of on or over the to was were what when
which with be been being am s if then than into onto out up upon between among during within
"""
_FILLING = """
entire overall regard single about accounts accounting actually affected against all also anyone anything anywhere available based being belong belongs bring brings brought can case cases
come comes could concern concerned concerning concerns currently data deal dealing deals described did documented down end ended ends
entered entries entry ever exactly exist exists fall falling falls find finding finds finish finished found gave get gets getting give
given gives go goes going got happen happened happening happens held hold holds i identified identify instance instances involve involved
involves involving item instance includes including items judged keep keeps kept know known let lie lies like linked listed log logged look lying made make makes
making mark marked me mean means mention my named need noted now occasion occasions occur occurred occurring occurs one ones
our ourselves own part parts place please possible potential present put quickly rate rated rates rating ratings reach reached reaches really
record recorded records regarding relate related relates relating rely relied report reported reports respect result resulted results
row rows run runs said same say says score scored scores see seen set show shown shows so some something stand stands state stated
states step still such table tables take taken takes taking tell that their them there these they thing things this those times together
told took under us use used uses want wanted way ways we well went where whether who whole whose why will within work works
would you your overview summary sheet plant line lines everything anybody somebody someone exactly kindly thanks thank hello hi dear
whatever whichever whom wondering would wonder check whether having carry carries occupies occupy turn turns turned asked terms goes back anywhere go gone numbers could should might must shall
"""
_NARROW = """
after again before cannot earlier ever except first former last later never new next no not old only other per previous since than unless until without yet
"""
NARROWING: Final = frozenset(_NARROW.split())
# Verbs that say nothing of what is asked for; their forms are made below.
_LIGHT = """
add advise allow attribute calculate combine compute pose appear apply arise ask attach become begin believe bring call collect come compile concern consider contain count cover create
deal describe determine discover display draw encounter establish exist expect explain expose express extract face feel foresee figure fill find fit follow
get give go happen have hear help hold identify include indicate involve keep know lay lead learn leave let lie list look make manage
mark mean meet mention name note notice obtain occur offer pertain pick point present produce provide pull put read recall refer
register remain remember represent request require retrieve return say see seem send serve set show sit speak stand start state stay
suggest suffer summarise suppose take talk tell tend think try turn understand use view want watch wish wonder write
"""
_LIGHT_NOUNS = """
already altogether amount basically bit certainly clearly collection detail details even fact generally here how however hence indeed info
information just kind kinds mainly matter maybe mostly name names namely normally often overview perhaps possibly probably quite rather
simply side situation somewhere sort sorts specifically though thus too usual usually very while
"""
# Of the words above, those that are no filling where they stand in a name or narrow what is asked for.
_NO_FILLING = frozenset(("line", "lines", "plant", "works", "under", "over", "during", "within", "between", "result", "results", "down", "own", "part", "parts", "log", "run", "runs"))  # fmt: skip
FILLING_BESIDE_TITLES: Final = frozenset(
    ["line", "lines", "plant", "works", "sheet", "log", "table", "list", "file", "report"]
)

# What people say of a failure, and what a sheet may call it.
_ALIKE = {
    "hot": "overheating overheated overheat", "rust": "corrosion corroded", "rusty": "corrosion corroded", "break": "fracture broken breakage",
    "breaks": "fracture broken breakage", "broken": "fracture breakage break", "snap": "fracture broken", "snapped": "fracture broken",
    "jam": "jammed seizure stuck blocked", "jammed": "seizure stuck blocked", "stuck": "jammed seizure blocked", "worn": "wear worn",
    "clogged": "blocked blockage clogging", "blocked": "clogged blockage", "plugged": "clogged blocked", "drip": "leak leakage",
    "drips": "leak leakage", "cracked": "crack", "burst": "rupture burst", "torn": "tear rupture", "loosened": "loose", "loosens": "loose",
    "seized": "seizure", "fractured": "fracture", "dirty": "contamination dirt", "shorted": "short", "noisy": "noise", "vibrates": "vibration", "bent": "deformation bent",
}  # fmt: skip
STOP: Final = frozenset(_STOP.split())
_LIGHT_FORMS = frozenset(
    form
    for verb in _LIGHT.split()
    for stem in (verb, verb.removesuffix("e"), verb.removesuffix("y") + "i", verb + verb[-1])
    for form in (verb, verb + "s", stem + "es", stem + "ed", stem + "ing")
)
FILLING: Final = frozenset((*_FILLING.split(), *_LIGHT_NOUNS.split())) - _NO_FILLING
_FILLING_ZH = re.compile(
    "请问|请|列出|给出|告诉我|一共|总共|共|哪些|有些|些|哪个|哪种|哪条|哪|什么|是多少|多少|几|分别|登记|记录|条目|各自|都是|都|是|的|了|在|有|里|中|和|与|及|吗|呢|吧|们|我们|我|"
    "各是|各为|单条|单项|现有|现|放在|放|做了|做|工作|来|会|上|报告|按|给|由|写|装|行|条|个|种|项|件|台|次|这|那|年|月|日|之前|以前|之后|以后|以来|含当日|含|没有|有没有|被|把|对|从|到|由|于|需要|应该|目前|现在|所有|全部|情况|以及|时|其"
)  # fmt: skip


class Token(NamedTuple):
    """A word of a question: `text[start:end]`, and its `key`, by which words of one stem are one."""

    start: int
    end: int
    word: str
    key: str


_ENDINGS = ("ation", "ment", "ings", "ing", "age", "ers", "er", "ed", "ion", "es", "e")
_STEM, _LONGEST_KEY = 3, 6
_SMALLEST = "one|two|three|four|five|six|seven|eight|nine|ten"
_SPELT = re.compile(
    rf"(?P<before>\b(?:at least|at most|(?:more|less|fewer|higher|lower|greater|worse|better) than|above|below|over|under|exactly"
    rf"|(?:severity|occurrence|detection|rating|score)(?: of| is)?) )(?P<n>{_SMALLEST})\b"
    rf"|\b(?P<m>{_SMALLEST})(?P<behind> (?:or|and) (?:more|less|fewer|above|below|higher|lower|greater|up|worse|better)\b)"
)
_SPELLINGS = {
    "disk": "disc", "color": "colour", "center": "centre", "gray": "grey", "tire": "tyre", "aluminum": "aluminium", "fiber": "fibre",
    "mold": "mould", "sulfur": "sulphur", "aging": "ageing",
}  # fmt: skip
_SHORT: Final = tuple(
    (re.compile(rf"(?<![\w-])(?:{short})(?![\w-])"), full) for short, full in {
        r"avg\.?": "average", "at the moment": "", "right now": "", "(?:the )?(?:longest|biggest) list of": "the most", "(?:the )?shortest list of": "the fewest", r"qty\.?": "quantity", "fm": "failure mode", "fms": "failure modes", r"incl\.?": "including", "pls": "please",
        "w/o": "without", r"no\.(?= of)": "number", "nr of": "number of", r"i\.e\.?": "that is", "i'd": "i would", "can't": "cannot", "won't": "will not",
        r"vs\.?": "compared with", "versus": "compared with", "break down": "show", r"behind (?:them|it|these)": "", "(?:anything|something|everything) to do with": "about",
        "from (?:the )?(?:highest|largest|worst) to (?:the )?(?:lowest|smallest|best)": "highest first",
        "from (?:the )?(?:lowest|smallest|best) to (?:the )?(?:highest|largest|worst)": "lowest first",
        "(?<=rpn )values?": "", "(?:the|this|our) (?:whole |entire )?analysis": "the table", "how (?:high|low|large|big)(?= (?:is|are|was|were) )": "what",
    }.items()
)  # fmt: skip
# A run of Chinese characters; a code with a digit, such as HL-C90; a word, of which "short-circuit" is two.
_TOKEN = re.compile(
    r"[\u4e00-\u9fff]+"
    r"|(?=[a-z./'-]*\d)[^\W_\u4e00-\u9fff]+(?:[-./'’][^\W_\u4e00-\u9fff]+)*"
    r"|[^\W_\u4e00-\u9fff]+(?:[./'’][^\W_\u4e00-\u9fff]+)*"
)


def plain(text: str) -> str:
    """One spelling: compatibility forms, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("’", "'").casefold().split())


_SPREAD = re.compile(
    r"\bhow (?:are|is|do|does) (?P<what>.+) (?:distributed|spread|split|divided) (?:over|across|among|between|by) (?:the )?"
)


def spelt_out(question: str) -> str:
    """A question in one spelling, with what people shorten written out: "avg qty" is "average quantity", "isn't" "is not"."""
    text = _SPREAD.sub(r"number of \g<what> for each ", plain(question))
    for short, full in _SHORT:
        text = short.sub(full, text)
    text = _SPELT.sub(lambda m: f"{m['before'] or ''}{SMALL[m['n'] or m['m']]}{m['behind'] or ''}", text)
    return re.sub(r"(?<=[a-z])'(?:ll|ve|re|d)\b", "", re.sub(r"(?<=[a-z])n't\b", " not", text))


def tokens(text: str) -> Iterator[Token]:
    """The words of a text that `plain` has made; a run of Chinese characters is one."""
    for match in _TOKEN.finditer(text):
        word, end = match[0], match.end()
        if word.endswith("'s"):
            word, end = word[:-2], end - 2
        yield Token(match.start(), end, word, key(word))


def key(word: str) -> str:
    """A word without its ending: leaking, leakage and leaks are one, and capping and caps; codes with digits stay whole."""
    if not word.isascii() or not word.isalpha():
        return word
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and not word.endswith("ss"):
        word = word.removesuffix("s")
    word = _SPELLINGS.get(word, word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            word = word[: -len(ending)]
            if len(word) > _STEM and word[-1] == word[-2] and word[-1] not in "aeiouls":
                word = word[:-1]
            break
    return word[:_LONGEST_KEY]


def says_nothing(word: str) -> str:
    """What of a word of a question still says something: "" for a filling one; of Chinese, what the filling leaves."""
    if word.isascii():
        light = word in STOP or word in FILLING or (word in _LIGHT_FORMS and word not in NARROWING)
        return "" if light or (len(word) == 1 and word.isalpha()) else word
    return _FILLING_ZH.sub("", word)


TITLES: Final[Mapping[str, str]] = {
    "维修": key("maintenance"),
    "记录": "log",
    "校准": key("calibration"),
    "缺陷": key("defect"),
}
"""Words of titles in Chinese, with the keys of the English ones."""
ALIKE: Final[Mapping[str, frozenset[str]]] = {
    word: frozenset(key(other) for other in others.split()) for word, others in _ALIKE.items()
}
"""Keys that a word of a question may also mean."""

DENYING = re.compile(
    r"not|no|none|never|without|except|excluding|neither|nor|\w+n'?t|cannot|unless|other|不|没|没有|非|除|除了|无"
)
"""A word that turns a question round: "not found on line 1"."""
