"""THE graph: every stage that a call goes through. Nothing else wires stages."""

from collections.abc import Awaitable, Callable

from contracts.annotation import AnnotatedSpeech
from contracts.audio import AudioChunk
from contracts.live_speech import LiveEvent, LiveOptions
from contracts.live_stages import Fed
from contracts.options import AnnotateOptions
from contracts.recognition import Enrolled
from contracts.speech import Diarization, SpeechRegion, Transcript, Voiceprints
from models.networks import LiveWhisperNetwork
from runtime.engine import Engine
from runtime.graph import Flow, Graph, Stream
from stages.annotate import Annotate
from stages.diarize import Diarize
from stages.diarize_pyannote import DiarizePyannote
from stages.embed import Embed
from stages.enrolment import EmbedTelephone, Enrol, Measure
from stages.listen import Listen
from stages.live_clean import CleanLive
from stages.live_work import Worker
from stages.lookup import Lookup
from stages.matching import KnownVoices
from stages.preprocess import Preprocess
from stages.recognise import Recognise
from stages.segment import Segment
from stages.tell import Tell
from stages.tell_apart import TellApart
from stages.transcribe import BATCH, ONE, Transcribe
from stages.transcribe_live import TranscribeLive
from stages.write import Write


def annotation_flow(
    engine: Engine,
    options: AnnotateOptions,
    *,
    two_sided: bool = False,
    known: KnownVoices | None = None,
    lookup: Lookup | None = None,
    heard: Callable[[Transcript], None] | None = None,
    live: Callable[[float], LiveOptions] | None = None,
) -> Flow[AudioChunk, AnnotatedSpeech]:
    """Audio in, annotated speech out. A file and a live call differ in the source alone.

    `known`: the voices to be named; with none, or where recognition is not wanted, the stage is left out. So is
    `lookup`, which finds contacts for the speakers. `heard` is told what is said, in the order of time, as it is
    written down. `live`: of a live call, whose language and vocabulary may change, the options by the second.
    """
    graph = Graph("annotation")
    audio = graph.source(AudioChunk, "decode")
    clean = _clean(audio, options, two_sided=two_sided)
    speech = clean.then("segment", Segment(engine.segmentation, engine.limiter), buffer=8)
    transcribe = Transcribe(
        engine.whisper, engine.limiter, options.language, options.task, options.prompt,
        in_order=heard is not None, batch=BATCH if live is None else ONE,
    )  # fmt: skip
    changing = transcribe if live is None else TranscribeLive(transcribe, live)
    words = speech.then("transcribe", changing, buffer=2)
    if heard is not None:
        words = words.then("tell", Tell(heard), buffer=2)
    recognise = options.recognise and known is not None and len(known) > 0
    if engine.pipeline is None or recognise:
        prints = speech.then("embed", Embed(engine.voiceprint, engine.limiter), buffer=4)
    if engine.pipeline is None:
        turns = prints.then("diarize", Diarize(engine.limiter, *_bounds(options)), buffer=4)
    else:
        turns = clean.then("diarize", DiarizePyannote(engine.pipeline, engine.limiter, *_bounds(options)), buffer=8)
    spoken = words | turns
    annotate = Annotate(two_sided, translated=options.task == "translate")
    if known is not None and recognise:
        names = (prints | turns).then("recognise", Recognise(known, engine.limiter, options.min_speakers), buffer=4)
        annotated = (spoken | names).then("annotate", annotate, buffer=16)
    else:
        annotated = spoken.then("annotate", annotate, buffer=16)
    # Words go there for progress alone: what is annotated comes in one piece, at the end.
    result = annotated if lookup is None else (words | annotated).then("lookup", lookup, buffer=4)
    return graph.flow(audio, result, buffer=1)


def enrolment_flow(engine: Engine, path: str, *, two_sided: bool = False) -> Flow[AudioChunk, Enrolled]:
    """Audio of one voice in, its voiceprint out; `path` is for messages."""
    graph = Graph("enrolment")
    audio = graph.source(AudioChunk, "decode")
    levels = audio.then("measure", Measure(), buffer=8)
    clean = audio.then("preprocess", Preprocess(two_sided), buffer=8)
    speech = clean.then("segment", Segment(engine.segmentation, engine.limiter), buffer=8)
    prints = speech.then("embed", Embed(engine.voiceprint, engine.limiter), buffer=4)
    narrow = speech.then("embed_telephone", EmbedTelephone(engine.voiceprint, engine.limiter), buffer=4)
    turns = prints.then("diarize", Diarize(engine.limiter), buffer=4)
    return graph.flow(audio, (levels | prints | narrow | turns).then("enrol", Enrol(path), buffer=8), buffer=1)


def voiceprint_flow(engine: Engine) -> Flow[AudioChunk, Voiceprints | Diarization]:
    """Audio in, voiceprints and at the end turns out: for the benchmark of voices."""
    graph = Graph("voiceprints")
    audio = graph.source(AudioChunk, "decode")
    clean = audio.then("preprocess", Preprocess(), buffer=8)
    speech = clean.then("segment", Segment(engine.segmentation, engine.limiter), buffer=8)
    prints = speech.then("embed", Embed(engine.voiceprint, engine.limiter), buffer=4)
    return graph.flow(audio, prints | prints.then("diarize", Diarize(engine.limiter), buffer=4), buffer=4)


def diarization_flow(
    engine: Engine, options: AnnotateOptions, *, two_sided: bool = False
) -> Flow[AudioChunk, Diarization]:
    """Audio in, turns out: the default engine without transcription, for the benchmark to hold against others."""
    graph = Graph("diarization")
    audio = graph.source(AudioChunk, "decode")
    speech = _clean(audio, options, two_sided=two_sided).then(
        "segment", Segment(engine.segmentation, engine.limiter), buffer=8
    )
    return graph.flow(audio, _turns(engine, options, speech), buffer=1)


def live_flow(
    engine: Engine,
    worker: Worker,
    options: Callable[[float], LiveOptions],
    *,
    two_sided: bool = False,
    apart: bool = True,
    known: KnownVoices | None = None,
    alone: Callable[[], Awaitable[LiveWhisperNetwork | None]] | None = None,
) -> Flow[Fed, LiveEvent]:
    """Audio in as it is said, what can be told at once out; the annotation of the same audio comes behind it.

    `options`: for what ends at a second of the stream. `apart`: whether voices are told apart. `known`: the voices to
    be named. `alone`: what loads Whisper with all the threads.
    """
    graph = Graph("live")
    audio = graph.source(Fed, "stream")
    clean = audio.then("clean", CleanLive(two_sided), buffer=4)
    speech = clean.then("listen", Listen(engine.segmentation, worker), buffer=4)
    text = speech.then("write", Write(engine.whisper, worker, options, alone), buffer=8)
    told = (speech | text).then("tell_apart", TellApart(engine.voiceprint, worker, apart, known), buffer=8)
    return graph.flow(audio, told, buffer=16)


def _clean(audio: Stream[AudioChunk], options: AnnotateOptions, *, two_sided: bool) -> Stream[AudioChunk]:
    return audio.then("preprocess", Preprocess(two_sided), buffer=8) if options.preprocess else audio


def _turns(engine: Engine, options: AnnotateOptions, speech: Stream[SpeechRegion]) -> Stream[Diarization]:
    prints = speech.then("embed", Embed(engine.voiceprint, engine.limiter), buffer=4)
    return prints.then("diarize", Diarize(engine.limiter, *_bounds(options)), buffer=4)


def _bounds(options: AnnotateOptions) -> tuple[int, int | None]:
    return options.min_speakers, options.max_speakers
