"""The record of task speech-recognition."""

from sonde.tasks.spec import Answer, TaskSpec
from sonde.tasks.speech_recognition.config import SpeechRecognitionConfig

SPEECH_RECOGNITION = TaskSpec(
    name="speech-recognition",
    summary="the transcript of a recording, by characters (CTC)",
    task="sonde.tasks.speech_recognition.task:SpeechRecognition",
    config=SpeechRecognitionConfig,
    answers=Answer("frames", "logits per frame"),
    targets=("tokens",),
    inputs={"audio": "recordings"},
    model=("speech-conformer-tiny", "recordings with transcripts"),
    units={"loss": "nats a token"},
)
