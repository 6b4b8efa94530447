"""`pprl doctor` says what this machine cannot do."""

from pprl.exchange.age import postquantum


def test_doctor_tries_post_quantum_sealing(pprl):
    """By doing it."""
    status = pprl("doctor")

    assert 0 == status
    assert "post-quantum sealing  ok" in pprl.out


def test_doctor_says_that_this_machine_cannot_seal(pprl, monkeypatch):
    """And ends with a status that a script sees."""

    def fail():
        raise postquantum.no_post_quantum()

    monkeypatch.setattr(postquantum, "_suite", fail)

    status = pprl("doctor")

    assert 6 == status
    assert "ML-KEM-768" in pprl.out
    assert "post-quantum sealing" in pprl.err
