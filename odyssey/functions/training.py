"""``odyssey lambda train``: the function that trains, deployed, and invoked if that is wished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.console import note
from odyssey.functions import deploying, invoking
from odyssey.serving import PreparedServing

if TYPE_CHECKING:
    from odyssey.aws import Access
    from odyssey.config import Config
    from odyssey.consent import Consent
    from odyssey.functions.deploying import Functions
    from odyssey.functions.invoking import Answer


@dataclass(frozen=True)
class Trained:
    """A function that has been deployed, and has trained.

    Args:
        functions: What was deployed.
        answer: What it has answered.
    """

    functions: Functions
    answer: Answer

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {**self.functions.document(), "run": self.answer.document()}

    def text(self) -> str:
        """Return for a reader where the model is, or what else the function has answered."""
        return self.answer.model or self.answer.body.decode(errors="replace")


def train(
    settings: Config,
    access: Access,
    consent: Consent,
    *,
    run: bool = False,
    again: str = "",
    **how: Any,
) -> Functions | PreparedServing | Trained:
    """Deploy the function that trains, and train with it if that is wished.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        consent: Asks before anything is changed.
        run: Whether to invoke the function, and record its model.
        again: Options that lead there again, for hints.
        how: As for `deploying.train`.

    Raises:
        OdysseyError: As for `deploying.train` and `invoking.invoke`.
    """
    done = deploying.train(settings, access, consent, **how)
    if isinstance(done, PreparedServing):
        return done
    if run:
        return Trained(done, invoking.invoke(settings, access, done.function, None, again=again))
    note(f"Train: {' '.join(['odyssey lambda invoke -n', done.function, again]).rstrip()}")
    return done
