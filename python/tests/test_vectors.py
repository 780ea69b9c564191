"""The vectors of json.org's JSON_checker, as Python's own tests have them."""

import pytest
from test.test_json import test_fail, test_pass1, test_pass2, test_pass3

from krait_worker.envelope import Codec
from krait_worker.values import MalformedBody, decode, encode

#: What the checker refuses and JSON (RFC 8259) does not: a text alone, and 20 lists deep.
OWN_RULES = {1, 18}


@pytest.mark.parametrize("number", range(1, len(test_fail.JSONDOCS) + 1))
def test_what_is_no_json_is_refused(number):
    body = test_fail.JSONDOCS[number - 1].encode()
    if number in OWN_RULES:
        assert decode(body, Codec.JSON)
    else:
        with pytest.raises(MalformedBody):
            decode(body, Codec.JSON)


@pytest.mark.parametrize("module", [test_pass1, test_pass2, test_pass3])
def test_what_is_json_is_read_and_comes_back(module):
    value = decode(module.JSON.encode(), Codec.JSON)
    for codec in (Codec.JSON, Codec.MSGPACK):
        assert decode(encode(value, codec), codec) == value
