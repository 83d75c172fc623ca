"""The record of task speech-recognition."""

from sonde.tasks.spec import Answer, TaskSpec
from sonde.tasks.speech_recognition.config import SpeechRecognitionConfig

SPEECH_RECOGNITION = TaskSpec(
    name="speech-recognition",
    summary="what is said in a recording, letter by letter",
    task="sonde.tasks.speech_recognition.task:SpeechRecognition",
    config=SpeechRecognitionConfig,
    answers=Answer("frames", "a symbol for every frame"),
    targets=("tokens",),
    inputs={"audio": "recordings"},
    model="sonde.tasks.speech_recognition.recipe:model",
)
