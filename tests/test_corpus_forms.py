import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from filters.decomposition import Decomposition
from models.tokens import DEFAULT
from pipelines.corpus_forms import Sequences, TokenizerFile

TOKENS = TokenizerFile(str(DEFAULT))
WORDS = st.sampled_from(["ferry", " the", " harbour", "\n", " 1984", "的", "é", " "])
TEXTS = st.lists(st.lists(WORDS, max_size=120).map("".join), max_size=5)
CUTS = st.builds(
    lambda exponents, **settings: Decomposition(
        smallest=2 ** min(exponents), largest=2 ** max(exponents), **settings
    ),
    exponents=st.lists(st.integers(1, 5), min_size=1, max_size=2),
    long_documents=st.sampled_from(["random", "greedy"]),
    shortest_remainder=st.sampled_from([None, 1]),
    target_token=st.booleans(),
    seed=st.integers(0, 9),
)


@given(TEXTS, CUTS, st.booleans())
def test_sequences_give_back_each_document_up_to_its_remainder(
    texts: list[str], by: Decomposition, end_of_text: bool
) -> None:
    documents = pa.RecordBatch.from_pydict({"id": [f"d{n}" for n in range(len(texts))]})
    documents = documents.append_column("text", pa.array(texts, pa.string()))
    form = Sequences(by=by, end_of_text=end_of_text, tokens=TOKENS)
    cut = form.cut(documents)
    pieces: dict[str, list[tuple[int, list[int]]]] = {
        name: [] for name in documents["id"].to_pylist()
    }
    for rows in cut.rows:
        assert rows.batch.schema == form.schema(rows.bucket)
        assert rows.batch.schema.field("input_ids").type.value_type == pa.uint16()
        size = rows.batch.schema.field("input_ids").type.list_size
        assert size == by.size(rows.bucket)
        assert rows.tokens == rows.batch.num_rows * size
        for row in rows.batch.to_pylist():
            pieces[row["document"]].append((row["offset"], row["input_ids"]))
    encoder = TOKENS.encoder
    end = [encoder.special_token(None)] * end_of_text
    dropped = []
    for text, found in zip(texts, pieces.values(), strict=True):
        tokens = [*encoder.encode(text).tolist(), *end]
        together: list[int] = []
        for offset, ids in sorted(found):
            assert offset == len(together)
            together += ids
        assert together == tokens[: len(together)]
        dropped.append(len(tokens) - len(together))
        assert dropped[-1] < by.size(by.shortest)
    assert cut.documents is not None
    assert cut.documents["dropped_tokens"].to_pylist() == dropped
    assert cut.documents["rows"].to_pylist() == [len(found) for found in pieces.values()]
    assert np.sum([rows.batch.num_rows for rows in cut.rows], dtype=int) == sum(
        map(len, pieces.values())
    )
