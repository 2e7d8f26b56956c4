"""The entries of the error catalogue that only known voices need."""

from contracts.fault import Fault

VOICE_NOT_FOUND = Fault(
    "VOICE_NOT_FOUND", 84, "there is no voice {voice_id}", "Check the id; deleted voices are gone.", 404
)
SAMPLE_NOT_FOUND = Fault(
    "SAMPLE_NOT_FOUND", None, "there is no sample {sample_id} of this voice", "Check the id; deleted samples are gone.",
    404,
)  # fmt: skip
SPEAKER_NOT_FOUND = Fault(
    "SPEAKER_NOT_FOUND", None, "there is no speaker {speaker_id} in the result of job {job_id}", "Allowed: {allowed}.",
    404,
)  # fmt: skip
VOICE_EXISTS = Fault(
    "VOICE_EXISTS", 85, "the name is taken by the voice {voice_id}",
    "Add a sample to that voice, or choose a name that tells the two apart.", 409,
)  # fmt: skip
VOICE_FULL = Fault(
    "VOICE_FULL", 86, "the voice {voice_id} has {limit} samples already", "Delete one of them first.", 409
)
SAMPLE_TOO_LONG = Fault(
    "SAMPLE_TOO_LONG", 87, "{path}: lasts {duration:.0f} s",
    "Allowed: {max_allowed:.0f} s (MAX_SAMPLE_DURATION); half a minute of speech is enough.", 413,
)  # fmt: skip
VOICEPRINT_UNUSABLE = Fault(
    "VOICEPRINT_UNUSABLE", 88, "{path}: cannot be used as voiceprints ({cause})",
    "Allowed: .npy or .vec with {size} finite values each, made by the same voiceprint model.", 400,
)  # fmt: skip
VOICE_STALE = Fault(
    "VOICE_STALE", 89, "the voice {voice_id} has no voiceprint of the present model",
    "Add a sample; the one that it has was made by another model and its audio was not kept.", 409,
)  # fmt: skip
