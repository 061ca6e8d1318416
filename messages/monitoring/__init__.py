"""What watches the board from outside: is it alive, is it ready, and its figures for Prometheus."""
