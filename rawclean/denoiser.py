"""What a process keeps from photo to photo: the models that are ready to run, and whose turn it is to run one."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from rawclean.engines.contract import Engine
from rawclean.engines.pick import load_runtime, pick_engine
from rawclean.models.cards import ModelCard
from rawclean.settings import DenoiseSettings


class Denoiser:
    """The engines that photos of several threads share, each made once."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        """Held while a network runs, which uses all cores or the GPU."""
        self._engines: dict[tuple[object, ...], Future[Engine]] = {}
        self._lock, self._loader = threading.Lock(), ThreadPoolExecutor(1, "model")

    def warm_up(self, settings: DenoiseSettings) -> None:
        """Begin to load what models run on, before it is known which will."""
        self._loader.submit(load_runtime, settings.engine, settings.device)

    def load(self, card: ModelCard, settings: DenoiseSettings) -> None:
        """Begin to make a model ready, beside what else there is to do; what goes wrong is raised by `engine`."""
        self._begun(card, settings)

    def engine(self, card: ModelCard, settings: DenoiseSettings) -> Engine:
        """The model, ready to run; raises as `pick_engine`."""
        return self._begun(card, settings).result()

    def _begun(self, card: ModelCard, settings: DenoiseSettings) -> Future[Engine]:
        how = card, settings.engine, settings.device, settings.precision
        with self._lock:
            known = self._engines.get(how)
            if known is None or (known.done() and known.exception()):
                known = self._engines[how] = self._loader.submit(pick_engine, *how)
            return known


@cache
def shared_denoiser() -> Denoiser:
    """The one of this process."""
    return Denoiser()
