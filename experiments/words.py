"""What the pages of a study say around the researcher's own texts, in English and German."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from protocols.scales import AffectGrid, GridWords
from protocols.tasks import Task

ENGLISH = {
    "title": "Study",
    "needs_javascript": "This study needs JavaScript. Please switch it on and load the page again.",
    "progress": "Progress",
    "duration": "The study takes about {minutes} minutes.",
    "begin": "Begin",
    "decline": "I do not wish to take part",
    "declined": "You have chosen not to take part",
    "declined_explained": "Nothing was stored. You can close this window.",
    "refused": "Please use a computer",
    "refused_explained": "The pictures of this study need a window of at least {width} × {height} "
    "pixels, and a computer rather than a phone. Enlarge the window, and the study goes on.",
    "refused_now": "Your window now:",
    "small_explained": "The pictures of this study need a window of at least {width} × {height} "
    "pixels. Enlarge the window or turn your device, and the study goes on.",
    "sound_check": "Sound check",
    "sound_check_explained": "This study has sound. Please put on headphones or switch on your "
    "loudspeakers. Press Play, and make the sound as loud as you like to hear somebody speak.",
    "sound_check_question": "How many tones did you hear?",
    "sound_check_again": "Right. Once more, please: press Play.",
    "sound_check_wrong": "That was another number. Check your sound, and press Play again.",
    "sound_check_silent": "I hear nothing",
    "no_sound": "This study needs sound",
    "no_sound_explained": "It cannot be done without hearing what is said. If you can switch on "
    "your sound now, or find headphones, try again; otherwise you can close this window. Nothing "
    "was stored.",
    "welcome_back": "Welcome back",
    "welcome_back_explained": "You have begun this study already. It goes on where you stopped; "
    "your earlier answers are stored.",
    "someone_else": "I am someone else",
    "go_on": "Continue",
    "examples": "Examples",
    "loading": "Loading",
    "loading_slow": "Your connection is slow. Please stay on this page; loading goes on.",
    "practice": "Practice",
    "practice_explained": "First, a few trials to practise. They do not count.",
    "keys_explained": "Answer with the mouse, or with the number keys.",
    "slider_explained": "On a line, click where your answer lies, or move there with the arrow "
    "keys; then continue with the button or with Enter.",
    "grid_explained": "In the square, click on the place of your answer, or move there with the "
    "arrow keys and press Enter.",
    "ready": "Ready?",
    "ready_explained": "Now the study begins. Your first impression counts.",
    "pause": "Break",
    "so_far": "{done} of {all} done.",
    "questionnaire": "A few last questions",
    "missing": "Please answer every question that is not marked as optional.",
    "optional": "(optional)",
    "skip": "Skip",
    "none": "None",
    "of": "{n} of {all}",
    "play": "Play",
    "grid_place": "Pleasantness {x} of {n}, arousal {y} of {n}",
    "no_answer_yet": "no answer yet",
    "grid_left": "Unpleasant feelings",
    "grid_right": "Pleasant feelings",
    "grid_top": "High arousal",
    "grid_bottom": "Sleepiness",
    "grid_top_left": "Stress",
    "grid_top_right": "Excitement",
    "grid_bottom_left": "Depression",
    "grid_bottom_right": "Relaxation",
    "saving": "Saving your answers",
    "saving_explained": "Please keep this window open until everything is stored.",
    "saving_trouble": "The server cannot be reached at the moment. Your answers are kept in this "
    "browser, and sending is tried again by itself. You may also download your data.",
    "saved": "All answers saved",
    "saved_here": "Your answers are kept in this browser and sent at the end",
    "saving_n": "Saving… ({n} waiting)",
    "offline": "No connection: {n} answers are kept here and will be sent",
    "download": "Download my data",
    "finish": "Finish",
    "goodbye": "All done, thank you",
    "goodbye_explained": "Your answers are stored. You can close this window.",
    "code": "Your completion code:",
    "back_to_prolific": "Back to Prolific",
    "back": "Back to the platform",
    "back_explained": "Your answers are stored. You are taken back in a moment, or by the button; "
    "please do not close this window before.",
    "hand_in": "Hand in this work",
    "hand_in_explained": "Your answers are stored. Please hand in this work with the button below; "
    "only then close this window.",
    "preview": "Preview",
    "preview_explained": "This is what the study is about. Accept the work to take part; nothing "
    "has begun, and nothing is stored.",
    "stop": "Stop taking part",
    "stop_question": "Do you want to stop?",
    "stop_explained": "If you stop, your answers will not be used, and you cannot begin again.",
    "stop_no": "Go on with the study",
    "stop_yes": "Stop, do not use my answers",
    "withdrawn": "You have stopped",
    "withdrawn_explained": "Your answers will not be used. You can close this window.",
    "turned_away": "You cannot take part",
    "full": "This study has all the participants it needs. Thank you for your interest.",
    "paused": "This study takes a break and lets nobody new in at the moment. Please try again "
    "later.",
    "took_part_elsewhere": "You have taken part in a related study; this one needs new people.",
    "no_id": "Please open the study through the link that the platform gives you.",
    "wrong_id": "The link that you used is not complete. Please open it again from the platform.",
    "bad_link": "This link is not valid, or no longer. Please open the study again through the "
    "link that the platform gives you.",
    "used_link": "This link was opened in another browser already. Please go on there, or open the "
    "study again from the platform.",
    "problem": "Something went wrong",
    "problem_explained": "Your answers so far are stored or kept in this browser. Please try "
    "again; if that does not help, download your data and write to the researchers.",
    "problem_details": "For the researchers:",
    "try_again": "Try again",
}
GERMAN = {
    "title": "Studie",
    "needs_javascript": "Diese Studie braucht JavaScript. Bitte einschalten und neu laden.",
    "progress": "Fortschritt",
    "duration": "Die Studie dauert etwa {minutes} Minuten.",
    "begin": "Beginnen",
    "decline": "Ich möchte nicht teilnehmen",
    "declined": "Sie nehmen nicht teil",
    "declined_explained": "Es wurde nichts gespeichert. Sie können das Fenster schließen.",
    "refused": "Bitte nehmen Sie einen Computer",
    "refused_explained": "Die Bilder dieser Studie brauchen ein Fenster von mindestens {width} × "
    "{height} Pixeln und einen Computer, kein Telefon. Vergrößern Sie das Fenster, und die Studie "
    "geht weiter.",
    "refused_now": "Ihr Fenster jetzt:",
    "small_explained": "Die Bilder dieser Studie brauchen ein Fenster von mindestens {width} × "
    "{height} Pixeln. Vergrößern Sie das Fenster oder drehen Sie Ihr Gerät, und die Studie geht "
    "weiter.",
    "sound_check": "Tonprobe",
    "sound_check_explained": "In dieser Studie gibt es Ton. Bitte setzen Sie Kopfhörer auf, oder "
    "schalten Sie die Lautsprecher ein. Drücken Sie auf Abspielen, und stellen Sie den Ton so "
    "laut, wie Sie jemanden gern sprechen hören.",
    "sound_check_question": "Wie viele Töne haben Sie gehört?",
    "sound_check_again": "Richtig. Bitte noch einmal: Drücken Sie auf Abspielen.",
    "sound_check_wrong": "Das waren nicht so viele. Prüfen Sie Ihren Ton, und drücken Sie noch "
    "einmal auf Abspielen.",
    "sound_check_silent": "Ich höre nichts",
    "no_sound": "Diese Studie braucht Ton",
    "no_sound_explained": "Man muss hören, was gesagt wird. Wenn Sie Ihren Ton jetzt einschalten "
    "oder Kopfhörer holen können, versuchen Sie es noch einmal; sonst können Sie das Fenster "
    "schließen. Es wurde nichts gespeichert.",
    "welcome_back": "Willkommen zurück",
    "welcome_back_explained": "Sie haben diese Studie schon begonnen. Es geht dort weiter, wo Sie "
    "aufgehört haben; Ihre bisherigen Antworten sind gespeichert.",
    "someone_else": "Ich bin jemand anderes",
    "go_on": "Weiter",
    "examples": "Beispiele",
    "loading": "Laden",
    "loading_slow": "Ihre Verbindung ist langsam. Bitte bleiben Sie auf dieser Seite; das Laden "
    "geht weiter.",
    "practice": "Übung",
    "practice_explained": "Zuerst einige Durchgänge zum Üben. Sie zählen nicht.",
    "keys_explained": "Antworten Sie mit der Maus oder mit den Zifferntasten.",
    "slider_explained": "Klicken Sie auf einer Linie dorthin, wo Ihre Antwort liegt, oder gehen "
    "Sie mit den Pfeiltasten dorthin; weiter geht es mit dem Knopf oder der Eingabetaste.",
    "grid_explained": "Klicken Sie im Quadrat auf die Stelle Ihrer Antwort, oder gehen Sie mit "
    "den Pfeiltasten dorthin und drücken Sie die Eingabetaste.",
    "ready": "Bereit?",
    "ready_explained": "Jetzt beginnt die Studie. Es zählt Ihr erster Eindruck.",
    "pause": "Pause",
    "so_far": "{done} von {all} geschafft.",
    "questionnaire": "Einige letzte Fragen",
    "missing": "Bitte beantworten Sie alle Fragen, die nicht freiwillig sind.",
    "optional": "(freiwillig)",
    "skip": "Überspringen",
    "none": "Keine",
    "of": "{n} von {all}",
    "play": "Abspielen",
    "grid_place": "Angenehm {x} von {n}, Erregung {y} von {n}",
    "no_answer_yet": "noch keine Antwort",
    "grid_left": "Unangenehme Gefühle",
    "grid_right": "Angenehme Gefühle",
    "grid_top": "Hohe Erregung",
    "grid_bottom": "Schläfrigkeit",
    "grid_top_left": "Stress",
    "grid_top_right": "Begeisterung",
    "grid_bottom_left": "Nieder\u00adgeschlagenheit",
    "grid_bottom_right": "Entspannung",
    "saving": "Ihre Antworten werden gespeichert",
    "saving_explained": "Bitte lassen Sie das Fenster offen, bis alles gespeichert ist.",
    "saving_trouble": "Der Server ist gerade nicht zu erreichen. Ihre Antworten bleiben in diesem "
    "Browser; es wird von selbst weiter versucht. Sie können Ihre Daten auch herunterladen.",
    "saved": "Alle Antworten gespeichert",
    "saved_here": "Ihre Antworten bleiben in diesem Browser und werden am Ende gesendet",
    "saving_n": "Speichern … ({n} warten)",
    "offline": "Keine Verbindung: {n} Antworten bleiben hier und werden noch gesendet",
    "download": "Meine Daten herunterladen",
    "finish": "Beenden",
    "goodbye": "Fertig, vielen Dank",
    "goodbye_explained": "Ihre Antworten sind gespeichert. Sie können das Fenster schließen.",
    "code": "Ihr Abschlusscode:",
    "back_to_prolific": "Zurück zu Prolific",
    "back": "Zurück zur Plattform",
    "back_explained": "Ihre Antworten sind gespeichert. Sie kommen gleich von selbst zurück, oder "
    "mit dem Knopf; bitte schließen Sie das Fenster nicht vorher.",
    "hand_in": "Diese Arbeit abgeben",
    "hand_in_explained": "Ihre Antworten sind gespeichert. Bitte geben Sie diese Arbeit mit dem "
    "Knopf ab; schließen Sie das Fenster erst danach.",
    "preview": "Vorschau",
    "preview_explained": "Darum geht es in der Studie. Nehmen Sie die Arbeit an, um teilzunehmen; "
    "es hat noch nichts begonnen, und es wird nichts gespeichert.",
    "stop": "Teilnahme beenden",
    "stop_question": "Möchten Sie aufhören?",
    "stop_explained": "Wenn Sie aufhören, werden Ihre Antworten nicht verwendet, und Sie können "
    "nicht neu beginnen.",
    "stop_no": "Mit der Studie weitermachen",
    "stop_yes": "Aufhören, meine Antworten nicht verwenden",
    "withdrawn": "Sie haben aufgehört",
    "withdrawn_explained": "Ihre Antworten werden nicht verwendet. Sie können das Fenster "
    "schließen.",
    "turned_away": "Sie können nicht teilnehmen",
    "full": "Diese Studie hat alle Teilnehmenden, die sie braucht. Danke für Ihr Interesse.",
    "paused": "Diese Studie macht eine Pause und nimmt gerade niemanden neu auf. Bitte versuchen "
    "Sie es später noch einmal.",
    "took_part_elsewhere": "Sie haben an einer verwandten Studie teilgenommen; diese braucht "
    "neue Teilnehmende.",
    "no_id": "Bitte öffnen Sie die Studie über den Link der Plattform.",
    "wrong_id": "Der Link ist nicht vollständig. Bitte öffnen Sie ihn auf der Plattform erneut.",
    "bad_link": "Dieser Link ist nicht oder nicht mehr gültig. Bitte öffnen Sie die Studie noch "
    "einmal über den Link der Plattform.",
    "used_link": "Dieser Link wurde schon in einem anderen Browser geöffnet. Bitte machen Sie dort "
    "weiter, oder öffnen Sie die Studie auf der Plattform erneut.",
    "problem": "Etwas ist schiefgegangen",
    "problem_explained": "Ihre bisherigen Antworten sind gespeichert oder bleiben in diesem "
    "Browser. Bitte versuchen Sie es noch einmal; hilft das nicht, laden Sie Ihre Daten herunter "
    "und schreiben Sie den Forschenden.",
    "problem_details": "Für die Forschenden:",
    "try_again": "Noch einmal versuchen",
}
WORDS = {"en": ENGLISH, "de": GERMAN}
IN_SCRIPTS = ("so_far", "optional", "skip", "none", "of", "play", "no_answer_yet",
              "grid_place", "saved", "saving_n", "offline",
              "full", "paused", "took_part_elsewhere", "no_id", "wrong_id",
              "bad_link", "used_link", "sound_check_again", "sound_check_wrong")  # fmt: skip


def how_to_answer(words: Mapping[str, str], tasks: Iterable[Task]) -> str:
    """How the tasks of a study are answered with mouse and keys, in its language."""
    types = {task.type for task in tasks}
    told = {"slider": "slider_explained", "affect-grid": "grid_explained"}
    said = [words[name] for type_, name in told.items() if type_ in types]
    return " ".join([words["keys_explained"], *said] if types - set(told) else said)


def task_told(words: Mapping[str, str], task: Task) -> dict[str, Any]:
    """What a player is told of a task; `around` an affect grid: its own words, else our own."""
    told = task.model_dump(mode="json")
    if not isinstance(task, AffectGrid):
        return told
    around = {
        place: getattr(task.words, place) or words[f"grid_{place}"]
        for place in GridWords.model_fields
    }
    return told | {"around": around}
