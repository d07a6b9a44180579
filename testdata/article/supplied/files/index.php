<?php
header('Location: /site/');
