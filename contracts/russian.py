"""The error catalogue in Russian: code: (message, advice), format strings over the same details as in English."""

from typing import Final

RUSSIAN: Final[dict[str, tuple[str, str]]] = {
    "INTERNAL": ("{stage}: {cause}", "Это наша ошибка; сообщите о ней и приложите данные, на которых она возникает."),
    "INVALID_OPTION": ("{option}: {problem}", "Допустимо: {allowed}."),
    "FILE_NOT_FOUND": ("{path}: файла нет", "Проверьте путь."),
    "NOT_A_FILE": ("{path}: это не файл ({kind})", "Укажите сами записи, например calls/*.wav."),
    "FILE_UNREADABLE": ("{path}: не читается ({cause})", "Проверьте права доступа и диск."),
    "FILE_EMPTY": ("{path}: файл пуст (0 байт)", "Проверьте, что запись была записана или скопирована до конца."),
    "UNSUPPORTED_FORMAT": (
        "{path}: это не запись, которую можно прочитать ({cause})",
        "Допустимо: WAV (PCM, float, mu-law, A-law, GSM 6.10), MP3, FLAC и Ogg Opus; решает содержимое, а не имя.",
    ),
    "NO_AUDIO": ("{path}: в файле 0 отсчётов", "Проверьте, что запись была записана до конца."),
    "TOO_MANY_CHANNELS": (
        "{path}: каналов: {channels}",
        "Допустимо: 1 (моно) или 2 (по каналу на собеседника или стерео).",
    ),
    "UNSUPPORTED_SAMPLE_RATE": (
        "{path}: частота дискретизации {sample_rate} Гц",
        "Допустимо: от {lowest} до {highest} Гц; сначала измените частоту.",
    ),
    "INVALID_SAMPLES": (
        "{path}: отсчёт не является конечным числом, впервые на {time:.3f} с",
        "Запишите файл заново в PCM или исправьте эти отсчёты.",
    ),
    "AUDIO_TOO_SHORT": ("{path}: длится всего {duration:.3f} с", "Звонок должен длиться не меньше {shortest} с."),
    "UNKNOWN_LANGUAGE": ("язык {language!r} неизвестен модели {model!r}", "Допустимо: auto, {allowed}."),
    "UNKNOWN_MODEL": ("модели {name!r} нет (вид: {kind})", "Допустимо: {allowed}."),
    "WEIGHTS_CORRUPT": (
        "{name}: у файла {file} неверный sha256 (ожидался {expected}, получен {found})",
        "Файл не используется; выполните `callannotate models remove {name}` и `callannotate models pull {name}`.",
    ),
    "WEIGHTS_MISSING": (
        "{name}: весов на этой машине нет ({cause})",
        "Подключитесь к сети и выполните `callannotate models pull {name}` или скопируйте папку кэша с машины, "
        "где они есть.",
    ),
    "WEIGHTS_UNUSABLE": ("{name}: не подходит как модель вида {kind} ({cause})", "Допустимо: {allowed}."),
    "ENGINE_UNAVAILABLE": (
        "движок диаризации {engine!r} не загружается ({cause})",
        "Установите дополнение `callannotate[pyannote]` или выберите движок onnx.",
    ),
    "PIPELINE_UNAVAILABLE": (
        "конвейер pyannote {name!r} не загружается ({cause})",
        "Допустимо: папка с config.yaml или имя в хабе (для закрытого нужно принять условия и задать HF_TOKEN).",
    ),
    "OUTPUT_UNWRITABLE": ("{path}: запись невозможна ({cause})", "Ничего не записано; проверьте права на папку."),
    "DISK_FULL": ("{path}: диск заполнен", "Ничего не записано; освободите место или укажите другую папку."),
    "STAGE_FAILED": (
        "этап {stage} завершился ошибкой: {cause}",
        "Ничего не записано; сообщите об этом и приложите запись, на которой ошибка возникает.",
    ),
    "FILE_CHANGED": (
        "{path}: файл изменился во время чтения (с {before} до {after} байт)",
        "Ничего не записано; дождитесь конца записи или копирования.",
    ),
    "INTERRUPTED": ("прервано", "Готовые файлы остаются; недописанных нет."),
    "TRUNCATED": ("{path}: обрывается после {read:.2f} с ({cause})", "Размечено всё, что удалось прочитать."),
    "LENGTH_MISMATCH": (
        "{path}: по заголовку {declared:.2f} с, в файле {read:.2f} с",
        "Размечено всё, что есть в файле.",
    ),
    "NO_SIGNAL": ("{path}: сигнала нет (все отсчёты одинаковы)", "Проверьте запись; расшифровка пуста."),
    "DAMAGED": (
        "{path}: повреждён, впервые на {time:.2f} с; {lost:.2f} с потеряно и принято за тишину",
        "Остальное размечено; если есть другая копия, возьмите её.",
    ),
    "SETTING_INVALID": ("{source}: {name}: {problem}", "Допустимо: {allowed}."),
    "SETTING_UNKNOWN": (
        "{source}: настройки {name!r} нет",
        "Возможно, имелось в виду {near!r}? Смотрите docs/settings.md.",
    ),
    "CONFIG_UNREADABLE": ("{path}: настройки не читаются ({cause})", "Проверьте CONFIG_PATH и YAML."),
    "VOLUME_UNUSABLE": (
        "{path}: не подходит как том ({cause})",
        "Проверьте VOLUME_PATH, монтирование и права: серверу нужно читать и писать там.",
    ),
    "VOLUME_LOCKED": (
        "{path}: с этим томом уже работает другой сервер",
        "Остановите его или укажите другой VOLUME_PATH.",
    ),
    "DATABASE_NEWER": (
        "{path}: записано более новой версией (схема {found}, этой версии известна {known})",
        "Запустите ту версию или укажите другой VOLUME_PATH; ничего не изменено.",
    ),
    "DATABASE_UNUSABLE": (
        "{path}: базой данных нельзя пользоваться ({cause})",
        "Восстановите её из копии или уберите, чтобы начать с пустой.",
    ),
    "PORT_UNAVAILABLE": ("{host}:{port}: порт занять нельзя ({cause})", "Укажите другой --host или --port."),
    "SERVER_FAILED": (
        "сервер остановлен: ошибка в {task}: {cause}",
        "Задачи сохранены; запустите его снова и сообщите об ошибке.",
    ),
    "INVALID_JSON": ("{field}: это не JSON ({cause})", "Пришлите один объект JSON в UTF-8."),
    "INVALID_FIELD": ("{field}: {problem}", "Допустимо: {allowed}."),
    "MISSING_FILE": ("в форме нет файла", "Пришлите запись частью с именем `file`."),
    "SEVERAL_FILES": ("в форме больше одного файла", "Присылайте одну запись за запрос; ничего не сохранено."),
    "MALFORMED_UPLOAD": (
        "загрузка не читается ({cause})",
        "Пришлите multipart/form-data до конца; ничего не сохранено.",
    ),
    "ROUTE_NOT_FOUND": ("{path}: здесь ничего нет", "Что есть, сказано в /openapi.json."),
    "JOB_NOT_FOUND": ("задачи {job_id} нет", "Проверьте идентификатор; удалённых задач больше нет."),
    "METHOD_NOT_ALLOWED": ("{method} здесь невозможен", "Допустимо: {allowed}."),
    "NOT_ACCEPTABLE": ("результата в виде {wanted} нет", "Допустимо: {allowed}."),
    "UPLOAD_STALLED": (
        "{seconds} с не приходило ни одного байта загрузки",
        "Пришлите запись снова; ничего не сохранено.",
    ),
    "WRONG_STATE": ("задача {job_id} в состоянии {status}", "{needed}."),
    "IDEMPOTENCY_CONFLICT": (
        "этот Idempotency-Key уже был у другой загрузки, задача {job_id}",
        "Возьмите новый ключ.",
    ),
    "FILE_TOO_LARGE": (
        "Размер файла превышает максимально допустимый ({max_allowed} байт)",
        "Разделите запись или увеличьте MAX_FILE_SIZE.",
    ),
    "AUDIO_TOO_LONG": ("запись длится {duration:.0f} с", "Допустимо: {max_allowed:.0f} с (MAX_DURATION)."),
    "UNSUPPORTED_MEDIA_TYPE": ("тип содержимого запроса: {found}", "Допустимо: {allowed}."),
    "RANGE_NOT_SATISFIABLE": ("диапазон {range} вне файла из {size} байт", "Запрашивайте байты, начиная с 0."),
    "RATE_LIMITED": ("больше {limit} запросов за {seconds} с", "Подождите {retry_after} с."),
    "QUEUE_FULL": ("в очереди уже задач: {queued}", "Попробуйте снова через {retry_after} с."),
    "STORAGE_FULL": ("на томе нет места для записи", "Освободите место; ничего не сохранено."),
    "SHUTTING_DOWN": ("сервер останавливается", "Подключитесь снова через несколько секунд; задачи сохраняются."),
    "PROCESSING_FAILED": (
        "этап {stage} завершился ошибкой: {cause}",
        "Пришлите запись снова; если ошибка повторится, сообщите о ней.",
    ),
    "WRONG_FRAME": ("двоичный кадр там, где нужен текстовый", "{advice}."),
    "INVALID_ENCODING": ("текстовый кадр не в UTF-8", "Закодируйте его в UTF-8."),
    "INVALID_MESSAGE": ("такого сообщения здесь быть не может ({cause})", "Допустимо: {allowed}."),
    "MESSAGE_TOO_BIG": ("сообщение больше {max_allowed} байт", "Присылайте сообщения меньше."),
    "SLOW_READER": (
        "сообщения слишком долго не читались",
        "Подключитесь снова с ?after_seq= и читайте быстрее.",
    ),
    "TOO_MANY_CONNECTIONS": ("соединений WebSocket открыто уже {limit}", "Попробуйте позже."),
    "IDLE": ("от клиента ничего не слышно {seconds} с", "Отвечайте на ping."),
    "MESSAGES_GONE": ("сообщения после {after_seq} уже не хранятся", "Дальше идёт нынешнее состояние."),
    "UPLOAD_IN_PROGRESS": ("по этому соединению уже загружается запись", "Дождитесь ответа на неё."),
}
"""Details keep their values: a cause that a library tells stays in its language."""
