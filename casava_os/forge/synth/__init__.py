"""The synthesizer: requests and the plans they mean, drawn without end from a grammar of wordings."""

from casava_os.forge.synth.check import Unfit, check
from casava_os.forge.synth.sample import Example, sample

__all__ = ["Example", "Unfit", "check", "sample"]
