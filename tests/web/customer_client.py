"""Section 8.3 of the customer's specification, as it stands there."""

import json
import time
from typing import Any

import requests


class CallAnnotateClient:
    def __init__(self, base_url: str = "http://localhost:8000") -> None:
        self.base_url = base_url
        self.api_url = f"{base_url}/api/v1"

    def submit_job(self, audio_file_path: str, metadata: Any = None) -> Any:
        """Отправка файла на обработку"""
        with open(audio_file_path, "rb") as f:  # noqa: PTH123 - the customer's code
            files = {"file": f}
            data = {"metadata": json.dumps(metadata or {})}

            response = requests.post(
                f"{self.api_url}/jobs",
                files=files,
                data=data,
            )
            response.raise_for_status()
            return response.json()

    def get_job_status(self, job_id: str) -> Any:
        """Получение статуса задачи"""
        response = requests.get(f"{self.api_url}/jobs/{job_id}")
        response.raise_for_status()
        return response.json()

    def get_result(self, job_id: str) -> Any:
        """Получение результата"""
        response = requests.get(f"{self.api_url}/jobs/{job_id}/result")
        response.raise_for_status()
        return response.json()

    def poll_until_complete(self, job_id: str, poll_interval: float = 5) -> Any:
        """Polling до завершения задачи"""
        while True:
            status = self.get_job_status(job_id)
            print(f"Status: {status['status']}")

            if status["status"] in ["completed", "failed"]:
                break

            time.sleep(poll_interval)

        if status["status"] == "completed":
            return self.get_result(job_id)
        raise Exception(f"Job failed: {status}")
