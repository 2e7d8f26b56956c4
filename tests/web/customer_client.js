// Section 8.2 of the customer's specification, as it stands there; only the address comes from outside.
class CallAnnotateClient {
  constructor(jobId) {
    this.jobId = jobId;
    this.socket = null;
    this.reconnectAttempts = 0;
    this.maxReconnectAttempts = 5;
  }

  connect() {
    this.socket = new WebSocket(`ws://${process.argv[2]}/ws/${this.jobId}`);

    this.socket.onopen = () => {
      console.log('Connected to CallAnnotate');
      this.reconnectAttempts = 0;
      this.startHeartbeat();
    };

    this.socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      this.handleMessage(message);
    };

    this.socket.onclose = () => {
      console.log('Disconnected from CallAnnotate');
      this.stopHeartbeat();
      this.attemptReconnect();
    };

    this.socket.onerror = (error) => {
      console.error('WebSocket error:', error);
    };
  }

  handleMessage(message) {
    switch (message.type) {
      case 'status_update':
        this.onProgress(message.progress);
        break;
      case 'result':
        this.onComplete(message.result);
        break;
      case 'error':
        this.onError(message.error);
        break;
      case 'pong':
        // Heartbeat response
        break;
    }
  }

  startHeartbeat() {
    this.heartbeatInterval = setInterval(() => {
      if (this.socket.readyState === WebSocket.OPEN) {
        this.socket.send(JSON.stringify({
          type: 'ping',
          timestamp: new Date().toISOString()
        }));
      }
    }, 30000);
  }

  onProgress(progress) {
    console.log(`Progress: ${progress.percentage}% - ${progress.current_stage}`);
  }

  onComplete(result) {
    console.log('Processing completed:', JSON.stringify(result));
    this.socket.close();
  }

  onError(error) {
    console.error('Processing error:', error);
  }
}

// What the specification calls and does not show.
class WholeClient extends CallAnnotateClient {
  stopHeartbeat() {
    clearInterval(this.heartbeatInterval);
  }

  attemptReconnect() {}
}

new WholeClient(process.argv[3]).connect();
